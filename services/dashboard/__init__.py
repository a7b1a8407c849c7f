"""The dashboard: a web page for people who would rather look. It only reads, and keeps nothing."""
