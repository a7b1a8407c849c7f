"""Boolean logic: truth values, models, equivalence, rules, circuits, knights and knaves, labels on boxes. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import INTEGER, Draft, Kind

Formula = str | tuple["Formula", ...]
"""A letter, ("not", formula), or (word, formula, formula)."""

_WORDS: Final[Mapping[str, Callable[[bool, bool], bool]]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "implies": lambda a, b: not a or b,
    "xor": lambda a, b: a != b,
    "iff": lambda a, b: a == b,
}
_MEANINGS: Final = (
    "Here not belongs to what follows directly, xor means that exactly one side is true, iff both or neither."
)
_LETTERS: Final = "ABCDEFGHKLMNPQRSTUVWXYZ"
_NUMBERS: Final = "Answer with their numbers in ascending order, separated by commas, such as 1, 4, or with none."


def _value(formula: Formula, values: Mapping[str, bool]) -> bool:
    if isinstance(formula, str):
        return values[formula]
    word, *parts = formula
    if word == "not":
        return not _value(parts[0], values)
    return _WORDS[str(word)](_value(parts[0], values), _value(parts[1], values))


def _text(formula: Formula, *, outermost: bool = True) -> str:
    if isinstance(formula, str):
        return formula
    if formula[0] == "not":
        return f"not {_text(formula[1], outermost=False)}"
    text = f"{_text(formula[1], outermost=False)} {formula[0]} {_text(formula[2], outermost=False)}"
    return text if outermost else f"({text})"


def _formula(draws: Draws, letters: Sequence[str], joints: int) -> Formula:
    """A formula with so many joining words; every letter is used when there is room for it."""
    parts: list[Formula] = [*letters, *(draws.pick(letters) for _ in range(joints + 1 - len(letters)))]
    parts = draws.shuffled(parts)
    parts = [("not", part) if draws.chance(1, 4) else part for part in parts]
    while len(parts) > 1:
        left, right = parts.pop(draws.between(0, len(parts) - 1)), parts.pop(draws.between(0, len(parts) - 1))
        joined: Formula = (draws.pick(("and", "or", "and", "or", "implies", "xor", "iff")), left, right)
        parts.append(("not", joined) if draws.chance(1, 6) and parts else joined)
    return parts[0]


def _without_letters(text: str) -> str:
    """The text with its letters numbered as they come up."""
    found: dict[str, str] = {}
    return re.sub(r"\b[A-Z]\b", lambda letter: found.setdefault(letter[0], f"#{len(found)}"), text)


def _rows(letters: Sequence[str]) -> list[dict[str, bool]]:
    return [dict(zip(letters, row, strict=True)) for row in product((True, False), repeat=len(letters))]


def _listed(things: Sequence[str]) -> str:
    return " and ".join((", ".join(things[:-1]), things[-1])) if len(things) > 1 else things[0]


def truth_values(draws: Draws, level: int) -> Draft:
    """What several formulas come to at given values."""
    letters = sorted(draws.sample(_LETTERS, 2 + (level + 1) // 2))
    values = {letter: draws.chance(1, 2) for letter in letters}
    formulas = [_text_of(draws, letters, 1 + level) for _ in range(3 + level // 3)]
    given = _listed([f"{letter} is {'true' if value else 'false'}" for letter, value in values.items()])
    reference = "".join("T" if _value(formula, values) else "F" for formula, _ in formulas)
    lines = "\n".join(f"{number}. {text}" for number, (_, text) in enumerate(formulas, 1))
    ask = draws.pick(("Which of these formulas are true?", "What are the truth values of these formulas?"))
    text = (
        f"Suppose that {given}. {ask}\n{lines}\n{_MEANINGS} Answer with one letter for each formula in order, T for "
        f"true and F for false, such as {'TF' * 2 if len(formulas) == 4 else 'TFT'}."
    )
    return Draft("truth-values", text, reference, _without_letters(f"{given} {lines}"))


def _text_of(draws: Draws, letters: Sequence[str], joints: int) -> tuple[Formula, str]:
    formula = _formula(draws, letters, max(joints, len(letters) - 1))
    return formula, _text(formula)


def count_models(draws: Draws, level: int) -> Draft:
    """In how many cases a formula holds."""
    letters = sorted(draws.sample(_LETTERS, 2 + level // 2 + (level > 2)))
    formula, shown = _text_of(draws, letters, 2 + level)
    wanted = draws.chance(1, 2)
    count = sum(_value(formula, row) == wanted for row in _rows(letters))
    ask = draws.pick(
        (
            "For how many assignments of true or false to {l} is this formula {w}?",
            "In how many rows of the truth table over {l} is this formula {w}?",
        )
    ).format(l=_listed(letters), w="true" if wanted else "false")
    text = f"{ask}\n{shown}\n{_MEANINGS} {INTEGER}"
    return Draft("count-models", text, str(count), (_without_letters(shown), len(letters), wanted))


def _negated(formula: Formula) -> Formula:
    return formula[1] if formula[0] == "not" else ("not", formula)


def _disguised(draws: Draws, formula: Formula) -> Formula:
    """The formula in other words: an equivalent one, by laws applied where they fit."""
    if isinstance(formula, str):
        return formula
    word, *parts = formula
    one, other = _disguised(draws, parts[0]), _disguised(draws, parts[-1])
    if word == "not":
        return _negated(one)
    if word == "implies":
        contrary: Formula = ("implies", _negated(other), _negated(one))
        return (("implies", one, other), contrary, ("or", _negated(one), other))[draws.between(0, 2)]
    if word in {"and", "or"} and draws.chance(1, 2):
        return ("not", ("or" if word == "and" else "and", _negated(one), _negated(other)))
    if word in {"xor", "iff"} and draws.chance(1, 2):
        return ("not", ("iff" if word == "xor" else "xor", one, other))
    return (word, other, one)


def _spoilt(draws: Draws, formula: Formula) -> Formula:
    """The formula with one thing changed somewhere."""
    if isinstance(formula, str):
        return _negated(formula)
    word, *parts = formula
    if word == "not" or draws.chance(1, 2):
        place = draws.between(0, len(parts) - 1)
        return (word, *parts[:place], _spoilt(draws, parts[place]), *parts[place + 1 :])
    return (draws.pick([other for other in _WORDS if other != word]), *parts)


def equivalence(draws: Draws, level: int) -> Draft | None:
    """Which of some formulas say the same as a given one."""
    letters = sorted(draws.sample(_LETTERS, 2 + level // 2))
    formula, shown = _text_of(draws, letters, 1 + level // 2)
    others = [
        _disguised(draws, formula if draws.chance(1, 2) else _spoilt(draws, formula)) for _ in range(4 + level // 3)
    ]
    texts = [_text(other) for other in others]
    if len({shown, *texts}) <= len(texts):
        return None
    rows = _rows(letters)
    same = [all(_value(other, row) == _value(formula, row) for row in rows) for other in others]
    reference = ", ".join(str(number) for number, it_is in enumerate(same, 1) if it_is) or "none"
    lines = "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
    ask = draws.pick(("Which of the formulas below are equivalent to", "Which of these say exactly the same as"))
    text = f"{ask} {shown}?\n{lines}\n{_MEANINGS} {_NUMBERS}"
    return Draft("equivalence", text, reference, _without_letters(f"{shown} {lines}"))


def rules(draws: Draws, level: int) -> Draft | None:
    """What follows from facts by rules of the form if ... then ...: found by applying them until nothing is new."""
    letters = sorted(draws.sample(_LETTERS, 5 + level))
    facts = draws.sample(letters, 1 + (level > 1))
    told: list[tuple[tuple[str, ...], str]] = []
    for _ in range(4 + level):
        *causes, effect = draws.sample(letters, draws.between(2, 3))
        told.append((tuple(causes), effect))
    known, size = set(facts), 0
    while size < len(known):
        size = len(known)
        known |= {effect for causes, effect in told if known.issuperset(causes)}
    found = sorted(known - set(facts))
    if len(found) < min(level, 3) or len({(frozenset(causes), effect) for causes, effect in told}) < len(told):
        return None
    sentences = [f"If {' and '.join(causes)}, then {effect}." for causes, effect in told]
    sentences += [f"{fact} is true." for fact in facts]
    shown = " ".join(draws.shuffled(sentences))
    ask = draws.pick(("Which letters besides", "Which statements other than"))
    text = (
        f"Each letter stands for a statement that is true or false. {shown} {ask} {_listed(facts)} must be true? "
        "Answer with the letters in alphabetical order, separated by commas."
    )
    return Draft("rules", text, ", ".join(found), _without_letters(shown))


_GATES: Final[Mapping[str, Callable[[bool, bool], bool]]] = {
    "AND": lambda a, b: a and b,
    "OR": lambda a, b: a or b,
    "XOR": lambda a, b: a != b,
    "NAND": lambda a, b: not (a and b),
    "NOR": lambda a, b: not (a or b),
    "XNOR": lambda a, b: a == b,
}


def circuit(draws: Draws, level: int) -> Draft:
    """The signals of a circuit, gate by gate."""
    inputs = ["a", "b", "c", "d"][: 3 + level // 3]
    values = {name: draws.chance(1, 2) for name in inputs}
    given = ", ".join(f"{name} = {int(value)}" for name, value in values.items())
    gates: list[str] = []
    for number in range(1, 4 + level):
        one, other = draws.sample([*values][-(3 + level) :], 2)
        gate = draws.pick(list(_GATES))
        values[f"g{number}"] = _GATES[gate](values[one], values[other])
        gates.append(f"g{number} = {one} {gate} {other}")
    reference = "".join(str(int(values[f"g{number}"])) for number in range(1, 4 + level))
    ask = draws.pick(("A circuit has these gates:", "The gates of a circuit are wired like this:"))
    told = "; ".join(gates)
    text = (
        f"{ask} {told}. The inputs are {given}. Which signals do the gates g1 to g{len(gates)} give? "
        f"Answer with {len(gates)} digits 0 or 1, in this order and without spaces."
    )
    return Draft("circuit", text, reference, (told, given))


_ISLANDERS: Final = ("Abel", "Bea", "Cyril", "Dora", "Emil", "Fay", "Gil", "Hedda", "Ivo", "Judy")


def knights(draws: Draws, level: int) -> Draft | None:
    """Who tells the truth, from what they say about each other; exactly one case fits."""
    people = draws.sample(_ISLANDERS, 3 + level // 2)
    said = [_saying(draws, speaker, [one for one in people if one != speaker], len(people)) for speaker in people]
    fitting = [
        row
        for row in _rows(people)
        if all(row[speaker] == holds(row) for speaker, (_, holds) in zip(people, said, strict=True))
    ]
    if len(fitting) != 1:
        return None
    found = sorted(one for one in people if fitting[0][one])
    sayings = " ".join(f'{speaker} says: "{text}"' for speaker, (text, _) in zip(people, said, strict=True))
    ask = draws.pick(
        (
            "On an island each person is either a knight, who always tells the truth, or a knave, who always lies.",
            "Knights make only true statements, knaves only false ones, and everybody here is one or the other.",
        )
    )
    text = (
        f"{ask} You meet {_listed(people)}. {sayings} Who are the knights? "
        "Answer with the names in alphabetical order, separated by commas, or with nobody."
    )
    numbers = {one: f"#{number}" for number, one in enumerate(people)}
    key = re.sub(r"\w+", lambda word: numbers.get(word[0], word[0]), sayings)
    return Draft("knights", text, ", ".join(found) or "nobody", key)


def _saying(
    draws: Draws, speaker: str, others: Sequence[str], people: int
) -> tuple[str, Callable[[Mapping[str, bool]], bool]]:
    one, two = draws.sample(others, 2)
    count = draws.between(1, people - 1)
    sayings: tuple[tuple[str, Callable[[Mapping[str, bool]], bool]], ...] = (
        (f"{one} is a knave.", lambda row: not row[one]),
        (f"{one} is a knight.", lambda row: row[one]),
        (f"{one} and {two} are of the same kind.", lambda row: row[one] == row[two]),
        (f"{one} and I are of different kinds.", lambda row: row[one] != row[speaker]),
        (f"At least one of {one} and {two} is a knave.", lambda row: not (row[one] and row[two])),
        (f"If {one} is a knight, then {two} is a knave.", lambda row: not row[one] or not row[two]),
        (
            f"Exactly {count} of us {'is a knight' if count == 1 else 'are knights'}.",
            lambda row: sum(row.values()) == count,
        ),
        (f"{one} is a knight or {two} is a knave.", lambda row: row[one] or not row[two]),
    )
    return draws.pick(sayings)


_COLOURS: Final = ("red", "blue", "green", "white", "black", "yellow", "brown")


def boxes(draws: Draws, level: int) -> Draft | None:
    """In which box a prize is, when it is known how many labels are true; exactly one box fits."""
    names = draws.sample(_COLOURS, 3 + (level + 1) // 2)
    labels: list[tuple[str, frozenset[str]]] = []
    for name in names:
        one, two = draws.sample([other for other in names if other != name], 2)
        everywhere = frozenset(names)
        labels.append(
            draws.pick(
                (
                    ("The prize is in this box.", frozenset((name,))),
                    ("The prize is not in this box.", everywhere - {name}),
                    (f"The prize is in the {one} box.", frozenset((one,))),
                    (f"The prize is not in the {one} box.", everywhere - {one}),
                    (f"The prize is in the {one} box or in the {two} box.", frozenset((one, two))),
                    (f"The prize is neither in the {one} box nor in this one.", everywhere - {one, name}),
                )
            )
        )
    true = {name: sum(name in fits for _, fits in labels) for name in names}
    prize = draws.pick(names)
    if list(true.values()).count(true[prize]) != 1:
        return None
    told = " ".join(
        f'The label of the {name} box says: "{text}"' for name, (text, _) in zip(names, labels, strict=True)
    )
    count = f"{true[prize]} of the labels {'is' if true[prize] == 1 else 'are'} true"
    ask = draws.pick(("One of these boxes holds a prize:", "There is a prize in one of these boxes:"))
    text = (
        f"{ask} {_listed(names)}. {told} Exactly {count}, and all others are false. Which box holds the prize? "
        "Answer with its colour only."
    )
    numbers = {name: f"#{number}" for number, name in enumerate(names)}
    key = re.sub(r"\w+", lambda word: numbers.get(word[0], word[0]), f"{told} {count}")
    return Draft("boxes", text, prize, key)


KIND: Final = Kind(
    slug="boolean-logic",
    version=1,
    families=(truth_values, count_models, equivalence, rules, circuit, knights, boxes),
)
