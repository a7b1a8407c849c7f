"""Which kinds of question can be made, and pools of them. Pure.

A pool is a stream that depends on kind, seed and difficulty only: whoever takes more of it gets what came
before unchanged. Families of puzzles, and at mixed difficulty the levels, take turns, so that any beginning
of the stream is balanced. A puzzle that came already is drawn again.
"""

import itertools
from collections.abc import Hashable, Iterator
from typing import Final

from dearena.faults import InvalidField
from dearena.generators import (
    algebra,
    boolean_logic,
    dates_and_units,
    geometry,
    probability,
    reading_python,
    social_reasoning,
    string_puzzles,
)
from dearena.generators.draws import Draws
from dearena.generators.question import Draft, GeneratedQuestion, Kind

LEVELS: Final = 5
"""Difficulty goes from 1 to this."""

MOST_DRAWS: Final = 1_000
"""So many draws for one question that all came before, or made no puzzle, mean that a kind has run out. A choice:
at this number, a stream ends when a few in a thousand of its puzzles are left, and never goes on for ever."""

_PATIENCE: Final = 50
"""So many draws without a puzzle hand a family's turn on."""

_KINDS: Final = {
    kind.slug: kind
    for kind in (
        algebra.KIND,
        geometry.KIND,
        probability.KIND,
        boolean_logic.KIND,
        social_reasoning.KIND,
        reading_python.KIND,
        string_puzzles.KIND,
        dates_and_units.KIND,
    )
}


def kinds() -> tuple[str, ...]:
    """The slugs of all kinds."""
    return tuple(_KINDS)


def generator_version(kind: str) -> int:
    """The version of a kind's generator; raises InvalidField for an unknown kind."""
    return _kind(kind).version


def generate(kind: str, size: int, seed: int, difficulty: int | None = None) -> tuple[GeneratedQuestion, ...]:
    """A pool of distinct questions: the first `size` of the kind's stream.

    Args:
        kind: one of `kinds()`.
        size: questions, at least 1.
        seed: any whole number; another one gives other questions.
        difficulty: 1 to 5; None for all levels in turn.

    Raises:
        InvalidField: the kind is unknown, a number out of its range, or there are not so many distinct questions.
    """
    if size < 1:
        raise InvalidField.of("size", f"{size} is not a size: a pool holds at least one question")
    return tuple(itertools.islice(stream(kind, seed, difficulty), size))


def stream(kind: str, seed: int, difficulty: int | None = None) -> Iterator[GeneratedQuestion]:
    """The kind's questions one after another, without end unless it runs out of distinct ones.

    Raises:
        InvalidField: at once, when kind or difficulty are unknown; later, with the field `size`, when the
            kind has run out at this difficulty.
    """
    if difficulty is not None and not 1 <= difficulty <= LEVELS:
        raise InvalidField.of("difficulty", f"{difficulty} is none of 1 to {LEVELS}")
    return _questions(_kind(kind), seed, difficulty)


def _kind(slug: str) -> Kind:
    if slug not in _KINDS:
        raise InvalidField.of("kind", f"{slug!r} is none of {', '.join(_KINDS)}")
    return _KINDS[slug]


def _questions(kind: Kind, seed: int, difficulty: int | None) -> Iterator[GeneratedQuestion]:
    seen: set[Hashable] = set()
    levels = "mix" if difficulty is None else f"d{difficulty}"
    for index in itertools.count():
        # One level after the other; a family gives all of them before the next family's turn.
        turn, level = divmod(index, LEVELS) if difficulty is None else (index, difficulty - 1)
        draft = _fresh(kind, seed, index, turn, level + 1, seen)
        yield GeneratedQuestion(
            id=f"{kind.slug}-v{kind.version}-s{seed}-{levels}-{index + 1:06}",
            turns=(draft.text, *draft.then),
            reference=draft.reference,
            category=draft.category,
            difficulty=level + 1,
            source=f"generated:{kind.slug}@{kind.version}",
            key=(draft.category, draft.key),
        )


def _fresh(kind: Kind, seed: int, index: int, turn: int, level: int, seen: set[Hashable]) -> Draft:
    repeats = misses = 0
    while repeats + misses < MOST_DRAWS:
        # Who repeats itself hands the turn on; who made no puzzle of what it drew may try some times more.
        family = kind.families[(turn + repeats + misses // _PATIENCE) % len(kind.families)]
        draft = family(Draws(kind.slug, seed, index, level, repeats + misses), level)
        if draft is None:
            misses += 1
            continue
        key, text = (draft.category, draft.key), (draft.text, *draft.then)
        if key not in seen and text not in seen:
            seen.update((key, text))
            return draft
        repeats += 1
    raise InvalidField.of(
        "size",
        f"{kind.slug} has too few distinct questions of difficulty {level}: after {index:,} questions, "
        f"{MOST_DRAWS:,} draws in a row gave no new one; ask for fewer, or for mixed difficulty",
    )
