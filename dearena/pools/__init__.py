"""Pools of questions: read from files of several formats, looked at before they are used, freed of duplicates.

`json_lines` says what a question is and reads the form in which pools are kept and sent; `importing` brings
other forms into it; `near_duplicates` and `languages` look at what was read, and `report` puts it together.
"""
