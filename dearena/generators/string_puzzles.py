"""String puzzles: ciphers, steps on a word, counting, sorting, runs of letters, rewriting, common parts. Pure."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import INTEGER, Draft, Kind

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
_VOWELS: Final = "aeiou"
_CONSONANTS: Final = "bcdfghjklmnprstvwz"
_STRING: Final = "Answer with the resulting string only."


def _word(draws: Draws, low: int, high: int) -> str:
    """An invented word that can be spoken."""
    first = draws.between(0, 1)
    return "".join(draws.pick((_CONSONANTS, _VOWELS)[(place + first) % 2]) for place in range(draws.between(low, high)))


def _shifted(letter: str, by: int) -> str:
    return _ALPHABET[(_ALPHABET.index(letter) + by) % 26]


def cipher(draws: Draws, level: int) -> Draft:
    """A word encoded or decoded: by a shift, a shift that grows, or a key word."""
    word = _word(draws, 4 + level, 6 + level)
    sort = draws.between(0, min(level - 1, 2))
    by = draws.between(2, 24)
    if sort == 0:
        rule, shifts = f"each letter is replaced by the one {by} places further in the alphabet", [by] * len(word)
    elif sort == 1:
        far = f"the first letter is moved {by} places further in the alphabet"
        rule = f"{far}, the second {by + 1}, the third {by + 2}, and so on"
        shifts = [by + place for place in range(len(word))]
    else:
        key = _word(draws, 3, 4)
        rule = (
            f'the letters of the key word "{key}" are written below the text again and again, and each letter is moved '
            "as many places further in the alphabet as the key letter below it comes after a"
        )
        shifts = [_ALPHABET.index(key[place % len(key)]) for place in range(len(word))]
    coded = "".join(_shifted(letter, shift) for letter, shift in zip(word, shifts, strict=True))
    if draws.chance(1, 2):
        told, reference = f'Encode "{word}".', coded
    else:
        told, reference = f'Which word was encoded as "{coded}"?', word
    text = f"In a cipher {rule}; after z comes a again. {told} Answer in lower-case letters only."
    return Draft("cipher", text, reference, (rule, told))


def steps(draws: Draws, level: int) -> Draft | None:
    """A word that is changed step by step."""
    word = now = _word(draws, 6, 8 + level)
    told: list[str] = []
    for _ in range(1 + level):
        count, letter = draws.between(1, 3), draws.pick(now)
        place = draws.between(1, len(now))
        choices: tuple[tuple[str, str], ...] = (
            ("reverse the string", now[::-1]),
            (f"move the first {count} letters to the end", now[count:] + now[:count]),
            (f"move the last {count} letters to the front", now[-count:] + now[:-count]),
            (f'remove every "{letter}"', now.replace(letter, "")),
            ("double every vowel (a, e, i, o, u)", "".join(c * 2 if c in _VOWELS else c for c in now)),
            ("swap the first and the last letter", now[-1] + now[1:-1] + now[0]),
            (f'replace every "{letter}" by "{_shifted(letter, 1)}"', now.replace(letter, _shifted(letter, 1))),
            (f"delete the letter at position {place}, counted from 1", now[: place - 1] + now[place:]),
            ("keep only the letters at odd positions, counted from 1", now[::2]),
            ("sort the letters alphabetically", "".join(sorted(now))),
        )
        step, now = draws.pick(choices)
        told.append(step)
        if not 4 <= len(now) <= 24:
            return None
    listed = "; ".join(f"({number}) {step}" for number, step in enumerate(told, 1))
    ask = draws.pick(('Start with the string "{w}" and do this in order: {s}.', 'Apply these steps to "{w}": {s}.'))
    return Draft("steps", f"{ask.format(w=word, s=listed)} What comes out? {_STRING}", now, (word, tuple(told)))


def counting(draws: Draws, level: int) -> Draft:
    """How often something comes up in a string of few letters."""
    letters = draws.sample(_ALPHABET, 3 if level < 4 else 2)
    text = "".join(draws.pick(letters) for _ in range(10 + 5 * level))
    one, two = draws.pick(letters), draws.pick(letters)
    pair = one + two
    choices: tuple[tuple[str, int], ...] = (
        (f'times does "{pair}" occur, overlapping occurrences counted', _overlapping(text, pair)),
        (f'letters "{one}" are there', text.count(one)),
        ("places are there where a letter is followed by the same letter", sum(a == b for a, b in pairwise(text))),
        (f'letters "{one}" stand at even positions, counted from 1', text[1::2].count(one)),
        (f'runs of equal letters are there that consist of "{one}"', sum(letter == one for letter, _ in groupby(text))),
        (f'letters "{one}" have "{two}" directly before or after them', _beside(text, one, two)),
    )
    told, count = draws.pick(choices[: 2 + level])
    ask = draws.pick(('How many {t} in "{s}"?', 'Look at "{s}". How many {t}?'))
    told = told if ask.startswith("How") else f"{told} in it"
    return Draft("counting", f"{ask.format(s=text, t=told)} {INTEGER}", str(count), (text, told.removesuffix(" in it")))


def _overlapping(text: str, part: str) -> int:
    return sum(text.startswith(part, place) for place in range(len(text)))


def _beside(text: str, one: str, other: str) -> int:
    return sum(
        letter == one and other in (text[max(0, place - 1) : place] + text[place + 1 : place + 2])
        for place, letter in enumerate(text)
    )


def sorting(draws: Draws, level: int) -> Draft | None:
    """Words in an order of their own: the one at a place, or all."""
    words = [_word(draws, 4, 5 + level // 2) for _ in range(4 + level)]
    orders: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("alphabetically", lambda word: word),
        ("alphabetically by their reversed spelling", lambda word: word[::-1]),
        ("by their number of letters, and alphabetically among equals", lambda word: (len(word), word)),
        ("by their number of vowels, and alphabetically among equals", lambda word: (_vowels(word), word)),
        ("by their second letter, and alphabetically among equals", lambda word: (word[1], word)),
    )
    told, order = draws.pick(orders[: 1 + level])
    if len(set(words)) < len(words):
        return None
    ordered = sorted(words, key=order)  # type: ignore[arg-type]  # strings or pairs, never mixed
    place = draws.between(1, len(words))
    if draws.chance(1, 2):
        ask, reference = f"Which word is number {place} then? Answer with the word only.", ordered[place - 1]
    else:
        ask, reference = "Answer with all words in this order, separated by single spaces.", " ".join(ordered)
    listed = ", ".join(words)
    start = draws.pick(("Sort these words {o}: {w}.", "The words {w} are put in order {o}."))
    return Draft("sorting", f"{start.format(o=told, w=listed)} {ask}", reference, (frozenset(words), told, ask))


def _vowels(word: str) -> int:
    return sum(letter in _VOWELS for letter in word)


def runs(draws: Draws, level: int) -> Draft:
    """Run-length codes, one way or the other; from level 4 on applied twice."""
    letters = draws.sample(_ALPHABET, 2 + level // 3)
    text = ""
    while len(text) < 5 + 4 * level:
        letter = draws.pick([letter for letter in letters if not text.endswith(letter)])
        text += letter * draws.between(1, 3 + level // 2)
    coded = _run_lengths(text)
    rule = (
        'In a run-length code each run of equal letters is written as its length and the letter, as "aaab" is "3a1b".'
    )
    sort = draws.between(0, 2 if level > 3 else 1)
    told, reference = (
        (f'Write "{text}" in this code. {_STRING}', coded),
        (f'Which string has the code "{coded}"? {_STRING}', text),
        (
            f'How many characters does the code of "{text}{text[::-1]}" have? {INTEGER}',
            str(len(_run_lengths(text + text[::-1]))),
        ),
    )[sort]
    return Draft("runs", f"{rule} {told}", reference, told)


def _run_lengths(text: str) -> str:
    return "".join(f"{len(list(run))}{letter}" for letter, run in groupby(text))


def rewriting(draws: Draws, level: int) -> Draft | None:
    """All letters are replaced at once by rules, several times: the result, its length, or a letter's number."""
    letters = sorted(draws.sample("ABCDEFGH", 2 if level < 4 else 3))
    rules = {letter: "".join(draws.pick(letters) for _ in range(draws.between(1, 3))) for letter in letters}
    start = "".join(draws.pick(letters) for _ in range(draws.between(1, 3)))
    rounds = draws.between(2, 2 + level)
    now = start
    for _ in range(rounds):
        now = "".join(rules[letter] for letter in now)
        if len(now) > 400:
            return None
    counted = draws.pick(letters)
    choices = [(f"How long is it after {rounds} rounds? {INTEGER}", str(len(now)))]
    choices.append(
        (f'How many letters "{counted}" does it have after {rounds} rounds? {INTEGER}', str(now.count(counted)))
    )
    if len(now) <= 12 + 4 * level:
        choices = [(f"What is it after {rounds} rounds? {_STRING}", now)] * 2 + choices
    told, reference = draws.pick(choices)
    listed = ", ".join(f"{letter} becomes {made}" for letter, made in rules.items())
    begin = draws.pick(
        (
            'In each round all letters of a string are replaced at the same time: {r}. It starts as "{s}".',
            'A string starts as "{s}". Every round replaces all its letters at once: {r}.',
        )
    )
    key = _numbered(f"{listed} {start} {told}", letters)
    return Draft("rewriting", f"{begin.format(r=listed, s=start)} {told}", reference, key)


def _numbered(text: str, letters: Sequence[str]) -> str:
    return re.sub(r"\b[A-H]+\b", lambda word: "".join(str(letters.index(letter)) for letter in word[0]), text)


def common(draws: Draws, level: int) -> Draft | None:
    """Of two strings: the longest common subsequence, the least number of edits, or the differing places."""
    letters = draws.sample(_ALPHABET, 3 + (level < 3))
    size = 4 + level
    one = "".join(draws.pick(letters) for _ in range(size))
    other = "".join(draws.pick(letters) for _ in range(size + draws.between(0, 1) * (level > 1)))
    if one == other:
        return None
    sort = draws.between(0, 1)
    told, value = (
        (
            "the length of the longest sequence of letters that comes up in both in the same order, gaps allowed",
            _shared(one, other),
        ),
        (
            (
                "the least number of single-letter insertions, deletions and replacements that turn the first into the "
                "second"
            ),
            _edits(one, other),
        ),
    )[sort]
    ask = draws.pick(('Take the strings "{a}" and "{b}". What is {t}?', 'For "{a}" and "{b}", find {t}.'))
    return Draft(
        "common", f"{ask.format(a=one, b=other, t=told)} {INTEGER}", str(value), (sort, frozenset((one, other)))
    )


def _shared(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        last, row = row, [0]
        for place, b in enumerate(other):
            row.append(last[place] + 1 if a == b else max(row[place], last[place + 1]))
    return row[-1]


def _edits(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for number, a in enumerate(one, 1):
        last, row = row, [number]
        for place, b in enumerate(other):
            row.append(min(last[place] + (a != b), row[place] + 1, last[place + 1] + 1))
    return row[-1]


KIND: Final = Kind(
    slug="string-puzzles",
    version=1,
    families=(cipher, steps, counting, sorting, runs, rewriting, common),
)
