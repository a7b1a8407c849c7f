"""Boolean logic: formulas are parsed again from their text, and every case is tried."""

import re
from collections.abc import Hashable, Mapping
from itertools import product

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import check_checks, check_pool


class Parser:
    """Reads a formula token by token; a row of a truth table is a mapping of letters."""

    def __init__(self, text: str, row: Mapping[str, bool]) -> None:
        self.tokens = re.findall(r"[()]|\w+", text)
        self.row = row

    def whole(self) -> bool:
        value = self.joined()
        assert not self.tokens
        return value

    def joined(self) -> bool:
        value = self.single()
        if self.tokens and self.tokens[0] != ")":
            word = self.tokens.pop(0)
            other = self.single()
            # By the rows in which each word holds.
            table = {"and": "TT", "or": "TT TF FT", "implies": "TT FT FF", "xor": "TF FT", "iff": "TT FF"}[word]
            value = ("T" if value else "F") + ("T" if other else "F") in table.split()
        return value

    def single(self) -> bool:
        token = self.tokens.pop(0)
        if token == "not":
            return not self.single()
        if token == "(":
            value = self.joined()
            assert self.tokens.pop(0) == ")"
            return value
        return self.row[token]


def rows(letters: list[str]) -> list[dict[str, bool]]:
    return [dict(zip(letters, values, strict=True)) for values in product((False, True), repeat=len(letters))]


def letters_in(text: str) -> list[str]:
    return sorted(set(re.findall(r"\b[A-Z]\b", text)))


def numbered(text: str) -> str:
    found: dict[str, int] = {}
    return re.sub(r"\b[A-Z]\b", lambda letter: f"#{found.setdefault(letter[0], len(found))}", text)


def lines_of(text: str) -> list[str]:
    return re.findall(r"^\d\. (.*)$", text, re.MULTILINE)


def truth_values(question: GeneratedQuestion) -> Hashable:
    given = question.text.split("\n")[0]
    row = {letter: word == "true" for letter, word in re.findall(r"\b([A-Z]) is (true|false)", given)}
    found = "".join("T" if Parser(line, row).whole() else "F" for line in lines_of(question.text))
    assert found == question.reference
    return numbered(f"{sorted(row.items())} {lines_of(question.text)}")


def count_models(question: GeneratedQuestion) -> Hashable:
    ask, formula, _ = question.text.split("\n")
    letters, wanted = letters_in(ask.replace("For", "").replace("In", "")), "formula true" in ask
    count = sum(Parser(formula, row).whole() is wanted for row in rows(letters))
    assert str(count) == question.reference
    return numbered(formula), len(letters), wanted


def equivalence(question: GeneratedQuestion) -> Hashable:
    [formula] = re.findall(r"(?:equivalent to|the same as) (.*)\?\n", question.text)
    table = [Parser(formula, row).whole() for row in rows(letters_in(formula))]
    same = []
    for number, line in enumerate(lines_of(question.text), 1):
        assert letters_in(line) == letters_in(formula)
        if [Parser(line, row).whole() for row in rows(letters_in(formula))] == table:
            same.append(str(number))
    assert (", ".join(same) or "none") == question.reference
    return numbered(f"{formula} {lines_of(question.text)}")


def rules(question: GeneratedQuestion) -> Hashable:
    told = re.findall(r"If ([A-Z](?: and [A-Z])?), then ([A-Z])\.", question.text)
    facts = re.findall(r"\b([A-Z]) is true\.", question.text)
    letters = letters_in(question.text.replace("Each letter", ""))
    # A statement must be true when it is in each case in which facts and rules hold: a bit for each letter.
    bit = {letter: 1 << place for place, letter in enumerate(letters)}
    needed = sum(bit[fact] for fact in facts)
    masks = [(sum(bit[cause] for cause in causes.split(" and ")), bit[effect]) for causes, effect in told]
    always = (1 << len(letters)) - 1
    for case in range(1 << len(letters)):
        if case & needed == needed and all(case & causes != causes or case & effect for causes, effect in masks):
            always &= case
    found = [letter for letter in letters if always & bit[letter] and letter not in facts]
    assert ", ".join(found) == question.reference
    sentences = re.findall(r"If [^.]*\.|\b[A-Z] is true\.", question.text)
    return numbered(" ".join(sentences))


GATES = {"AND": "0001", "OR": "0111", "XOR": "0110", "NAND": "1110", "NOR": "1000", "XNOR": "1001"}


def circuit(question: GeneratedQuestion) -> Hashable:
    signals = dict(re.findall(r"\b([a-d]) = ([01])", question.text))
    given = tuple(signals.items())
    gates = re.findall(r"(g\d+) = (\w+) ([A-Z]+) (\w+)", question.text)
    for name, one, gate, other in gates:
        signals[name] = GATES[gate][int(signals[one] + signals[other], 2)]
    assert "".join(signals[name] for name, *_ in gates) == question.reference
    return tuple(gates), given


def said(text: str, speaker: str, knights: set[str], people: list[str]) -> bool:  # noqa: PLR0911 -- one a sort
    names = re.findall("|".join(people), text)
    true = [name in knights for name in names]
    if "same kind" in text:
        return true[0] == true[1]
    if "different kinds" in text:
        return true[0] != (speaker in knights)
    if text.startswith("At least one"):
        return not all(true)
    if text.startswith("If"):
        return not (true[0] and true[1])
    if text.startswith("Exactly"):
        return len(knights) == int(text.split()[1])
    if " or " in text:
        return true[0] or not true[1]
    return true[0] if text.endswith("knight.") else not true[0]


def knights(question: GeneratedQuestion) -> Hashable:
    statements = re.findall(r'(\w+) says: "(.*?)"', question.text)
    people = [speaker for speaker, _ in statements]
    fitting = []
    for values in product((False, True), repeat=len(people)):
        found = {person for person, value in zip(people, values, strict=True) if value}
        if all((speaker in found) == said(text, speaker, found, people) for speaker, text in statements):
            fitting.append(found)
    [only] = fitting
    assert (", ".join(sorted(only)) or "nobody") == question.reference
    numbers = {person: f"#{number}" for number, person in enumerate(people)}
    return re.sub(r"\w+", lambda word: numbers.get(word[0], word[0]), str(statements))


def boxes(question: GeneratedQuestion) -> Hashable:
    labels = re.findall(r'label of the (\w+) box says: "(.*?)"', question.text)
    names = [name for name, _ in labels]
    [count] = re.findall(r"Exactly (\d) of the labels", question.text)

    def holds(label: str, own: str, prize: str) -> bool:
        named = re.findall(r"the (\w+) box", label) + ([own] if "this" in label else [])
        return (prize in named) != (" not " in label or "neither" in label)

    fitting = [prize for prize in names if sum(holds(text, own, prize) for own, text in labels) == int(count)]
    assert fitting == [question.reference]
    numbers = {name: f"#{number}" for number, name in enumerate(names)}
    return re.sub(r"\w+", lambda word: numbers.get(word[0], word[0]), str(labels)), count


CHECKS = {
    "truth-values": truth_values,
    "count-models": count_models,
    "equivalence": equivalence,
    "rules": rules,
    "circuit": circuit,
    "knights": knights,
    "boxes": boxes,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("boolean-logic", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("boolean-logic", CHECKS)
