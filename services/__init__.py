"""The five services and the shell they share."""
