"""Answers that try to persuade their judge, and how far they do.

A *corpus* of attacks is put behind answers that are plainly bad, each beside an answer that is plainly good, and a
judge is asked as ever. Pure: texts and counts; the judge dispatcher does the asking.
"""
