"""Which questions of a pool are the same one in another guise.

Case, spaces and the marks of sentences do not count, nor do words of courtesy; and a mistyped word is read as the
word that was meant. All else decides: two questions that differ in a number, a name or any other word are two
questions, however long the wording that they share, and so are two with different references. What stands in
double quotes counts but for case and spaces, code counts to the letter.

A word is mistyped if it is in no dictionary of the question's language, and one letter left out, put in, put for
another, or exchanged with the next makes a word that is. A question with mistyped words is the same as another one
if it becomes that one by putting them right: at most MOST_TYPOS of them, and one in WORDS_A_TYPO. No word is read
as one of fewer letters than SHORTEST, or as one that the pool has with a capital only; and one with a capital is
left as it is but at the start of a sentence: these may be names, units, symbols. So a typo that makes another word,
one in a name, and one in a language without a dictionary are missed. What is merged wrongly is at most a rare word
one letter away from a common one, where nothing else differs: look before you merge.

Whoever is the same belongs to one group, also by way of a third question, so that groups do not depend on the
order of the file; of each group the first in the file's order stays, and merging again changes nothing. Questions
are never compared with one another, but their readings looked up, so time grows with the length of the pool alone.
Pure, but for the dictionaries, which pyspellchecker has in its package.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, islice, product
from typing import Any, Final

from spellchecker import SpellChecker

from dearena.pools.languages import language_of

MOST_TYPOS: Final = 3
"""In one question; a choice."""

WORDS_A_TYPO: Final = 5
"""So many words stand for each typo at the least: in fewer, the word itself is what is asked. A choice."""

SHORTEST: Final = 4
"""Letters of a word that is meant. A choice: units, symbols and names of functions mostly have fewer."""

MOST_READINGS: Final = 500
"""Of one question that are looked up; a choice: of many unknown words, few are typos."""

NEXT_TURN: Final = "\u241e"
"""Between two turns of one question: two turns are not one."""

_DICTIONARIES: Final = {
    "english": "en",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "dutch": "nl",
}
"""Of 86,000 words and more; the others that pyspellchecker has are too small to know a typo from an inflection."""

_COURTESY: Final = (
    ("s'il", "vous", "plaît"),
    ("s'il", "te", "plaît"),
    ("thank", "you"),
    ("por", "favor"),
    ("per", "favore"),
    *((word,) for word in ("please", "pls", "plz", "kindly", "thanks", "bitte", "alstublieft")),
)
_FIRST_WORDS: Final = frozenset(phrase[0] for phrase in _COURTESY)

_OPENING: Final = (
    "what which whom whose when where does each every there this these that assume answer calculate choose compare "
    "complete compute consider count define describe determine evaluate explain find give imagine list look name "
    "select simplify solve state suppose tell translate write"
)
"""With a capital these open a sentence, also in a pool that has them nowhere without one."""

_LIKE: Final = str.maketrans(
    dict.fromkeys("‘’ʼ´", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("‐‑‒–—−", "-")  # noqa: RUF001 - they are meant
)
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_PART: Final = re.compile(
    r"```.*?```|`[^`\n]+`"  # code
    r'|"[^"]*"'
    r"|(?<!\w)\.\d+|\d+(?:[.,:]\d+)+"  # numbers
    r"|\w+(?:'\w+)*"
    r"|(?<=\d)!|(?<=\b\w)!"  # a factorial
    r"|[^\w\s.,;:!?'\"`¿¡。、]",
    re.DOTALL,
)
_OPENER: Final = re.compile(r"(?:^|[.!?:]\s+|\n\s*)([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that are the same, by their index in the pool."""

    stays: int
    others: tuple[int, ...]


def near_duplicates(texts: Sequence[str], references: Sequence[str] = ()) -> tuple[Group, ...]:
    """The groups of questions that are the same, by the first of each; empty when there are none.

    Args:
        texts: the questions in the order of their file; turns with NEXT_TURN between them.
        references: of each, empty where it has none; none at all: no question has one.
    """
    first_of: dict[tuple[str, str], int] = {}
    vocabulary = set(_OPENING.split())
    joined = _Joined(len(texts))
    mistyped: list[tuple[int, str, dict[int, str]]] = []
    keys = [told_alike(reference) for reference in references] or [""] * len(texts)
    for index, (text, key) in enumerate(zip(texts, keys, strict=True)):
        parts = _parts(text)
        told = _told(parts, text)
        first = first_of.setdefault((told, key), index)
        joined.join(index, first)
        if first == index:
            vocabulary.update(parts)
            language = _DICTIONARIES.get(language_of(text), "")
            if language and (unknown := _unknown(parts, language, text)):
                mistyped.append((index, language, unknown))
    for index, language, unknown in mistyped:
        meant = {at: words for at, part in unknown.items() if (words := sorted(_meant(language, part) & vocabulary))}
        for reading in _readings(texts[index], meant) if meant else ():
            joined.join(index, first_of.get((reading, keys[index]), index))
    return joined.groups()


def told_alike(text: str) -> str:
    """What of a text counts."""
    return _told(_parts(text), text)


def _told(parts: list[str], text: str) -> str:
    if "`" in text:
        parts = [part.casefold() if part[0] != "`" else part for part in parts]
        return " ".join(parts) or " ".join(text.split())
    return " ".join(parts).casefold() or " ".join(text.split())


def _parts(text: str) -> list[str]:
    """Words, numbers, signs, quotations and pieces of code, as they are written."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text).translate(_LIKE))
    parts = [" ".join(part.split()) if part[0] == '"' else part for part in _PART.findall(plain)]
    folded = [part.casefold() for part in parts]
    if _FIRST_WORDS.isdisjoint(folded):
        return parts
    kept = []
    at = 0
    while at < len(parts):
        said = next((phrase for phrase in _COURTESY if tuple(folded[at : at + len(phrase)]) == phrase), ())
        kept += [] if said else parts[at : at + 1]
        at += len(said) or 1
    return kept or parts


def _unknown(parts: list[str], language: str, text: str) -> dict[int, str]:
    """Words by their place that may be put right, without case."""
    odd = {part for part in set(parts) - _words(language) if len(part) >= SHORTEST - 1 and part.isalpha()}
    odd = {part for part in odd if part.islower()} | _openers(odd, language, text)
    return {at: part.casefold() for at, part in enumerate(parts) if part in odd} if odd else {}


def _openers(odd: set[str], language: str, text: str) -> set[str]:
    """Words with a capital because a sentence starts with them."""
    capital = {part for part in odd if part.istitle() and part.casefold() not in _words(language)}
    return capital & set(_OPENER.findall(text)) if capital else capital


def _readings(text: str, meant: dict[int, list[str]]) -> Iterator[str]:
    """What a question is told as when words of it are put right."""
    parts = _parts(text)
    most = min(MOST_TYPOS, len(parts) // WORDS_A_TYPO, len(meant))
    changes = (
        (places, words)
        for number in range(1, most + 1)
        for places in combinations(meant, number)
        for words in product(*(meant[place] for place in places))
    )
    for places, words in islice(changes, MOST_READINGS):
        reading = parts.copy()
        for place, word in zip(places, words, strict=True):
            reading[place] = word
        yield _told(reading, text)


@cache
def _dictionary(language: str) -> Any:
    return SpellChecker(language=language, distance=1)


@cache
def _words(language: str) -> frozenset[str]:
    return frozenset(_dictionary(language).word_frequency.words())


@lru_cache(maxsize=1 << 16)
def _meant(language: str, part: str) -> frozenset[str]:
    """Words of the dictionary one slip away."""
    slips = _words(language).intersection(_dictionary(language).edit_distance_1(part))
    return frozenset(word for word in slips if len(word) >= SHORTEST)


class _Joined:
    """Groups that grow together; the first of each stands for it."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))

    def first(self, index: int) -> int:
        above = self._above
        while above[index] != index:
            above[index] = above[above[index]]
            index = above[index]
        return index

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        self._above[second] = first

    def groups(self) -> tuple[Group, ...]:
        others: dict[int, list[int]] = {}
        for index in range(len(self._above)):
            if (first := self.first(index)) != index:
                others.setdefault(first, []).append(index)
        return tuple(Group(first, tuple(found)) for first, found in sorted(others.items()))
