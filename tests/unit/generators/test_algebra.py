"""Algebra: solutions are put into the equations, remainders divided out, and members counted up."""

import re
from collections.abc import Hashable
from fractions import Fraction
from itertools import count

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import asked, check_checks, check_pool, fraction, numbers

EQUATION = re.compile(r"(?<![a-z])[-(\dxyztnw][-+()\d xyztnw^]*= ?[-+()\d xyztnw^]*[\dxyztnw)]")


def value_of(expression: str, **values: Fraction | int) -> Fraction:
    """What an expression comes to: `2(x - 1)` is read as `2*(x - 1)`."""
    code = re.sub(r"(?<=[\d)a-z])\s*(?=[a-z(])", "*", expression.strip()).replace("^", "**")
    return Fraction(eval(code, {"__builtins__": {}}, dict(values)))


def difference(equation: str, **values: Fraction | int) -> Fraction:
    left, right = equation.split("=")
    return value_of(left, **values) - value_of(right, **values)


def equation_in(text: str) -> str:
    [equation] = EQUATION.findall(text)
    return str(equation)


def linear_equation(question: GeneratedQuestion) -> Hashable:
    equation = equation_in(asked(question))
    [unknown] = set(re.findall(r"[a-z]", equation))
    assert difference(equation, **{unknown: fraction(question)}) == 0
    assert difference(equation, **{unknown: fraction(question) + 1}) != 0
    return equation.replace(unknown, "x")


def linear_system(question: GeneratedQuestion) -> Hashable:
    first, second = question.turns
    equations = EQUATION.findall(first)
    unknowns = sorted(set(re.findall(r"[xyz]", " ".join(equations))))
    assert len(equations) == len(unknowns)
    # Gauss: each equation as a row, read off at the unit vectors.
    rows = []
    for equation in equations:
        nowhere = difference(equation, **dict.fromkeys(unknowns, 0))
        row = [difference(equation, **{u: int(u == one) for u in unknowns}) - nowhere for one in unknowns]
        rows.append([*row, -nowhere])
    for place in range(len(rows)):
        pivot = next(row for row in rows[place:] if row[place])
        rows.remove(pivot)
        rows.insert(place, [entry / pivot[place] for entry in pivot])
        for other, row in enumerate(rows):
            if other != place:
                rows[other] = [a - row[place] * b for a, b in zip(row, rows[place], strict=True)]
    solution = {unknown: row[-1] for unknown, row in zip(unknowns, rows, strict=True)}
    [wanted] = re.findall(r"(?:is|out) ([-+\d xyz]+[xyz])(?:\?| for)", second)
    assert value_of(wanted, **solution) == fraction(question)
    return frozenset(equations), wanted


def quadratic(question: GeneratedQuestion) -> Hashable:
    equation = equation_in(asked(question))
    nowhere, one, two = (difference(equation, x=x) for x in range(3))
    a = (two - 2 * one + nowhere) / 2
    b = one - nowhere - a
    answer = fraction(question)
    text = asked(question)
    # Of the roots, only their sum and product are used, or the curve itself.
    total, product = -b / a, nowhere / a
    if "sum of the squares" in text:
        wanted, value = "squares", total**2 - 2 * product
    elif "square of the difference" in text:
        wanted, value = "difference", total**2 - 4 * product
    elif "sum of the cubes" in text:
        wanted, value = "cubes", total**3 - 3 * product * total
    else:
        assert difference(equation, x=answer) == 0
        other = total - answer
        assert difference(equation, x=other) == 0
        larger = "larger" in text
        assert answer >= other if larger else answer <= other
        wanted, value = f"{larger}", answer
    assert value == answer
    return equation, wanted


def coefficients(text: str) -> list[int]:
    """A polynomial's coefficients, constant first, read term by term."""
    found: dict[int, int] = {}
    for sign, size, power in re.findall(r"(-?)(\d*)(x\^\d|x|)", text.replace(" ", "")):
        if size or power:
            degree = int(power[2:]) if "^" in power else len(power)
            found[degree] = int(f"{sign}{size or 1}")
    return [found.get(degree, 0) for degree in range(max(found) + 1)]


def polynomial_division(question: GeneratedQuestion) -> Hashable:
    dividend, divisor = sorted(re.findall(r"-?\d*x(?:\^\d)?(?: [-+] [\dx^]+)*", asked(question)), key=len)[::-1]
    left, by = coefficients(dividend), coefficients(divisor)
    assert by[-1] == 1
    while len(left) >= len(by):
        top = left[-1]
        for place, entry in enumerate(reversed(by), 1):
            left[-place] -= top * entry
        assert left.pop() == 0
    for x in range(3):
        assert value_of(question.reference, x=x) == sum(entry * x**power for power, entry in enumerate(left))
    return dividend, divisor


def sequence(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    first = int(re.findall(r"a\(1\) = (-?\d+)", text)[0])
    place = max(int(place) for place in re.findall(r"a\((\d+)\)", text))
    summed = "the sum of" in text
    # Powers of a matrix on the column (a(n+1), a(n), 1, sum so far), instead of one member after the other.
    if two_back := re.search(r"a\(n\+2\) = ([^f]*?) for", text):
        second = int(re.findall(r"a\(2\) = (-?\d+)", text)[0])
        rule = two_back[1].replace("a(n+1)", "x").replace("a(n)", "y")
        p, q, r = value_of(rule, x=1, y=0), value_of(rule, x=0, y=1), Fraction(0)
    else:
        rule = re.findall(r"a\(n\+1\) = (.*?) for", text)[0].replace("a(n)", "x")
        r = value_of(rule, x=0)
        p, q = value_of(rule, x=1) - r, Fraction(0)
        second = int(p * first + r)
    base = [[int(p), int(q), int(r), 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1]]
    power = [[int(i == j) for j in range(4)] for i in range(4)]
    exponent = place if summed else place - 1
    while exponent:
        if exponent & 1:
            power = product(power, base)
        base, exponent = product(base, base), exponent >> 1
    state = [sum(a * b for a, b in zip(row, (second, first, 1, 0), strict=True)) for row in power]
    assert state[3 if summed else 1] == fraction(question)
    return first, second, p, q, r, place, summed


def product(one: list[list[int]], other: list[list[int]]) -> list[list[int]]:
    columns = list(zip(*other, strict=True))
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in one]


def congruence(question: GeneratedQuestion) -> Hashable:
    pairs = [(int(r), int(m)) for r, m in re.findall(r"remainder (\d+) when divided by (\d+)", question.text)]
    (rest, largest) = max(pairs, key=lambda pair: pair[1])
    found = next(n for n in count(rest or largest, largest) if all(n % m == r for r, m in pairs))
    assert str(found) == question.reference
    return frozenset(pairs)


def word_problem(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), fraction(question)
    given = numbers(text)
    if "salt" in text:
        if text.startswith("How"):
            added, litres, held, wanted = given
        else:
            litres, held, added, wanted = given
        assert litres * held + answer * added == (litres + answer) * wanted
        assert answer > 0
        return "salt", litres, held, added, wanted
    if "years" in text:
        together, years, times = given
        fits = [age for age in range(together) if age + years == times * (together - age + years)]
        assert fits == [answer]
        return "age", together, years, times
    many, total, one, other = given
    assert [n for n in range(many + 1) if n * one + (many - n) * other == total] == [answer]
    return "sale", many, total, one, other


CHECKS = {
    "linear-equation": linear_equation,
    "linear-system": linear_system,
    "quadratic": quadratic,
    "polynomial-division": polynomial_division,
    "sequence": sequence,
    "congruence": congruence,
    "word-problem": word_problem,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("algebra", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("algebra", CHECKS)
