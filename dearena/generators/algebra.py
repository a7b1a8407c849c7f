"""Algebra: equations, systems, polynomials, sequences and congruences, solved in whole numbers and fractions. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import FRACTION, INTEGER, Draft, Kind


def polynomial_text(coefficients: Sequence[int], variable: str = "x") -> str:
    """A polynomial as it is written, highest power first: (1, -3, 0) is `x^2 - 3x`."""
    terms = ""
    for place, coefficient in enumerate(coefficients):
        power = len(coefficients) - 1 - place
        if not coefficient:
            continue
        sign = ("-" if coefficient < 0 else "") if not terms else (" - " if coefficient < 0 else " + ")
        size = "" if abs(coefficient) == 1 and power else str(abs(coefficient))
        terms += sign + size + ("" if not power else variable if power == 1 else f"{variable}^{power}")
    return terms or "0"


def sum_text(coefficients: Sequence[int], variables: str) -> str:
    """A sum of multiples as it is written: (2, -1), "xy" is `2x - y`."""
    terms = ""
    for coefficient, variable in zip(coefficients, variables, strict=True):
        if coefficient:
            sign = ("-" if coefficient < 0 else "") if not terms else (" - " if coefficient < 0 else " + ")
            terms += sign + ("" if abs(coefficient) == 1 else str(abs(coefficient))) + variable
    return terms or "0"


def _product(one: Sequence[int], other: Sequence[int]) -> list[int]:
    product = [0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            product[i + j] += a * b
    return product


def linear_equation(draws: Draws, level: int) -> Draft | None:
    """One unknown; from level 2 on both sides, from level 3 with brackets and fractions as solutions."""
    variable = draws.pick("xyztnw")
    if level == 1:
        factor, summand, solution = draws.between(2, 12), draws.nonzero(-30, 30), draws.between(-20, 20)
        left, right = polynomial_text((factor, summand), variable), str(factor * solution + summand)
        value = Fraction(solution)
    elif level == 2:
        factor, other = draws.sample(range(2, 15), 2)
        solution, summand = draws.between(-15, 15), draws.nonzero(-40, 40)
        left = polynomial_text((factor, summand), variable)
        right = polynomial_text((other, (factor - other) * solution + summand), variable)
        value = Fraction(solution)
    else:
        brackets = [(draws.nonzero(-9, 9), draws.between(1, level), draws.nonzero(-12, 12)) for _ in range(level - 1)]
        factor, summand = draws.nonzero(-12, 12), draws.between(-40, 40)
        left = ""
        for outer, inner, added in brackets:
            sign = ("-" if outer < 0 else "") if not left else (" - " if outer < 0 else " + ")
            size = "" if abs(outer) == 1 else str(abs(outer))
            left += f"{sign}{size}({polynomial_text((inner, added), variable)})"
        right = polynomial_text((factor, summand), variable)
        slope = sum(outer * inner for outer, inner, _ in brackets) - factor
        if not slope:
            return None
        value = Fraction(summand - sum(outer * added for outer, _, added in brackets), slope)
    ask = draws.pick(
        ("Solve for {v}: {l} = {r}.", "Find the value of {v} for which {l} = {r}.", "What is {v} if {l} = {r}?")
    )
    equation = f"{left} = {right}"
    text = f"{ask.format(v=variable, l=left, r=right)} {FRACTION}"
    return Draft("linear-equation", text, str(value), equation.replace(variable, "x"))


_THREE: Final = 4
"""From this level on, systems have three unknowns."""


def linear_system(draws: Draws, level: int) -> Draft | None:
    """As many equations as unknowns; the second turn asks for a combination of the solutions."""
    variables = "xyz" if level >= _THREE else "xy"
    reach = 3 + 2 * level
    solution = [draws.between(-reach, reach) for _ in variables]
    rows = [[draws.nonzero(-reach, reach) for _ in variables] for _ in variables]
    if not _determinant(rows):
        return None
    sides = [sum(a * s for a, s in zip(row, solution, strict=True)) for row in rows]
    wanted = [draws.nonzero(-5, 5) for _ in variables]
    equations = [f"{sum_text(row, variables)} = {side}" for row, side in zip(rows, sides, strict=True)]
    listed = ", ".join(equations[:-1]) + " and " + equations[-1]
    first = draws.pick(
        (
            "Solve the system {e}.",
            "Which numbers satisfy {e} at the same time?",
            "Find the common solution of {e}.",
        )
    ).format(e=listed)
    second = draws.pick(("With these values, what is {w}?", "Now work out {w} for that solution."))
    reference = sum(w * s for w, s in zip(wanted, solution, strict=True))
    return Draft(
        "linear-system",
        first,
        str(reference),
        (tuple(sorted(equations)), tuple(wanted)),
        (f"{second.format(w=sum_text(wanted, variables))} {INTEGER}",),
    )


def _determinant(rows: Sequence[Sequence[int]]) -> int:
    if len(rows) == 1:
        return rows[0][0]
    return sum(
        (-1) ** column * head * _determinant([[*row[:column], *row[column + 1 :]] for row in rows[1:]])
        for column, head in enumerate(rows[0])
    )


def quadratic(draws: Draws, level: int) -> Draft:
    """Roots by construction; higher levels have rational roots, or ask what follows from the coefficients."""
    widest = 1 if level <= 2 else level  # the easy ones begin with x^2 alone
    reach = 12 + 6 * level
    first = Fraction(draws.between(-reach, reach), draws.between(1, widest))
    second = Fraction(draws.between(-reach, reach), draws.between(1, widest))
    scale = draws.between(1, 1 if level == 1 else level)
    leading = scale * first.denominator * second.denominator
    coefficients = (leading, int(-leading * (first + second)), int(leading * first * second))
    equation = f"{polynomial_text(coefficients)} = 0"
    asked, value = draws.pick(
        (
            ("the larger root (the root itself, if there is only one)", max(first, second)),
            ("the smaller root (the root itself, if there is only one)", min(first, second)),
        )
        if level <= 3
        else (
            ("the sum of the squares of the two roots, counted with multiplicity", first**2 + second**2),
            ("the square of the difference of the two roots, counted with multiplicity", (first - second) ** 2),
            ("the sum of the cubes of the two roots, counted with multiplicity", first**3 + second**3),
        )
    )
    ask = draws.pick(("Consider {e}. What is {a}?", "For the equation {e}, find {a}.", "Given {e}, determine {a}."))
    return Draft("quadratic", f"{ask.format(e=equation, a=asked)} {FRACTION}", str(value), (coefficients, asked))


def polynomial_division(draws: Draws, level: int) -> Draft:
    """The remainder of a division, by construction: product of divisor and quotient, and the remainder added."""
    steep = level >= _THREE
    divisor = [1, draws.nonzero(-5, 5), draws.between(-5, 5)] if steep else [1, draws.nonzero(-4 - level, 4 + level)]
    quotient = [draws.nonzero(-4, 4), *(draws.between(-6, 6) for _ in range(1 + level // 2))]
    remainder = [draws.nonzero(-20, 20), draws.between(-20, 20)] if steep else [draws.between(-40, 40)]
    dividend = _product(divisor, quotient)
    for place, added in enumerate(reversed(remainder), 1):
        dividend[-place] += added
    ask = draws.pick(
        (
            "What is the remainder when {p} is divided by {d}?",
            "Divide {p} by {d}. Which remainder is left?",
            "Find the remainder of the polynomial division of {p} by {d}.",
        )
    )
    form = "Answer in the form ax + b, such as -3x + 5, without terms that are 0." if steep else INTEGER
    text = f"{ask.format(p=polynomial_text(dividend), d=polynomial_text(divisor))} {form}"
    return Draft("polynomial-division", text, polynomial_text(remainder), (tuple(dividend), tuple(divisor)))


def sequence(draws: Draws, level: int) -> Draft:
    """A member of a recursive sequence, or the sum of its first members."""
    start, factor, summand = draws.between(-9, 12), draws.nonzero(-3, 4), draws.nonzero(-9, 9)
    if level <= 2:
        factor, start, summand = 1, draws.between(-60, 60), draws.nonzero(-15, 15)
    place = draws.between(4, 7) if level > 2 else draws.between(12, 25 * level)
    if level == 5:
        second = draws.between(-6, 9)
        rule = f"a(1) = {start}, a(2) = {second} and a(n+2) = {sum_text((factor, summand), 'AB')} for n >= 1"
        rule = rule.replace("A", "a(n+1)").replace("B", "a(n)")
        members = [start, second]
        while len(members) < place:
            members.append(factor * members[-1] + summand * members[-2])
    else:
        rule = f"a(1) = {start} and a(n+1) = {polynomial_text((factor, summand), 'a(n)')} for n >= 1"
        members = [start]
        while len(members) < place:
            members.append(factor * members[-1] + summand)
    summed = draws.chance(1, 2)
    asked = f"the sum of a(1) to a({place})" if summed else f"a({place})"
    ask = draws.pick(
        ("A sequence is given by {r}. What is {a}?", "Let {r}. Compute {a}.", "Find {a} of the sequence with {r}.")
    )
    reference = sum(members) if summed else members[-1]
    return Draft("sequence", f"{ask.format(r=rule, a=asked)} {INTEGER}", str(reference), (rule, asked))


def congruence(draws: Draws, level: int) -> Draft | None:
    """The least number that leaves given remainders."""
    moduli = sorted(draws.sample(range(3, 10 + 6 * level), 2 if level <= 3 else 3))
    hidden = draws.between(1, 10_000)
    remainders = [hidden % modulus for modulus in moduli]
    # Step by step: the numbers that satisfy the conditions so far lie `period` apart.
    number, period = 0, 1
    for modulus, remainder in zip(moduli, remainders, strict=True):
        while number % modulus != remainder:
            number += period
        period = period * modulus // gcd(period, modulus)
    number = number or period
    conditions = [
        f"remainder {remainder} when divided by {modulus}"
        for modulus, remainder in zip(moduli, remainders, strict=True)
    ]
    listed = ", ".join(conditions[:-1]) + " and " + conditions[-1]
    ask = draws.pick(
        (
            "What is the smallest positive integer that leaves {c}?",
            "A positive integer leaves {c}. What is the least it can be?",
            "Find the least positive integer leaving {c}.",
        )
    )
    if number <= max(moduli):
        return None
    return Draft("congruence", f"{ask.format(c=listed)} {INTEGER}", str(number), (tuple(moduli), tuple(remainders)))


_SALES: Final = (
    (
        "A theatre sold {n} tickets for {m} coins in all. A seat in the stalls costs {a} coins and one in the gallery "
        "{b} coins. How many seats in the stalls were sold?"
    ),
    (
        "A shop sold {n} lamps and took {m} coins. A large lamp costs {a} coins, a small one {b} coins. How many large "
        "lamps were sold?"
    ),
    (
        "{n} crates weigh {m} kilograms together. A crate of iron weighs {a} kilograms and a crate of cork {b} "
        "kilograms. How many crates of iron are there?"
    ),
)
_OLDEST: Final = 99
_AGES: Final = (
    (
        "{p} and {q} are {n} years old together. {k} years from now, {p} will be {m} times as old as {q}. How old is "
        "{p} now?"
    ),
    (
        "The ages of {p} and {q} add up to {n} years. In {k} years {p} will be {m} times as old as {q}. What is the "
        "age of {p} today?"
    ),
)
_MIXTURES: Final = (
    (
        "How many litres of a solution with {a} % salt must be added to {n} litres of a solution with {b} % salt to "
        "get one with {c} % salt?"
    ),
    (
        "A tank holds {n} litres of brine with {b} % salt. How many litres of brine with {a} % salt make it brine with "
        "{c} % salt?"
    ),
)


def word_problem(draws: Draws, level: int) -> Draft | None:
    """An equation told in words: two prices, two ages, or two mixtures."""
    story = draws.between(0, 2)
    if story == 0:
        other, one = sorted(draws.sample(range(2, 12 + 10 * level), 2))
        many, few = draws.between(5, 25 * level), draws.between(5, 25 * level)
        text = draws.pick(_SALES).format(n=many + few, m=one * many + other * few, a=one, b=other)
        return Draft("word-problem", f"{text} {INTEGER}", str(many), (story, many, few, one, other))
    if story == 1:
        times, years, younger = draws.between(2, 2 + level), draws.between(2, 10 + level), draws.between(2, 12 * level)
        older = times * (younger + years) - years
        if older > _OLDEST:
            return None
        first, second = draws.sample(("Ines", "Tarek", "Mbali", "Yuki", "Olof", "Rosa"), 2)
        text = draws.pick(_AGES).format(p=first, q=second, n=older + younger, k=years, m=times)
        return Draft("word-problem", f"{text} {INTEGER}", str(older), (story, older, younger, years, times))
    low, middle, high = sorted(draws.sample(range(2, 20 + 15 * level), 3))
    strong = draws.chance(1, 2)
    litres, added, held = draws.between(2, 30 * level), *((high, low) if strong else (low, high))
    text = draws.pick(_MIXTURES).format(n=litres, a=added, b=held, c=middle)
    value = Fraction(litres * (middle - held), added - middle)
    if level == 1 and value.denominator > 1:
        return None
    return Draft("word-problem", f"{text} {FRACTION}", str(value), (story, litres, added, held, middle))


KIND: Final = Kind(
    slug="algebra",
    version=1,
    families=(linear_equation, linear_system, quadratic, polynomial_division, sequence, congruence, word_problem),
)
