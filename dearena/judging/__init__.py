"""What a judge is asked, and what its reply says: templates, codes, forms of a verdict. Pure.

Whoever makes a prompt, names it by its hash or reads a reply to it does so by these rules.
"""
