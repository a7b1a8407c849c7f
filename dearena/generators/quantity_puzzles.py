"""Puzzles of quantities: conversions by exact definitions, speeds and rates with units, and ages.

Pure. Only metric prefixes and the hour's minutes are taken as known; each other unit is defined in the question.
"""

from collections.abc import Hashable
from fractions import Fraction
from itertools import pairwise
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import FRACTION, INTEGER, Draft

_METRIC: Final[tuple[dict[str, Fraction], ...]] = (
    {name: Fraction(size) for name, size in (("mm", 1), ("cm", 10), ("dm", 100), ("m", 1_000), ("km", 1_000_000))},
    {name: Fraction(size) for name, size in (("mg", 1), ("g", 1_000), ("kg", 1_000_000))},
    {name: Fraction(size) for name, size in (("ml", 1), ("cl", 10), ("dl", 100), ("l", 1_000), ("hl", 100_000))},
    {name: Fraction(size) for name, size in (("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400))},
)
_DEFINED: Final = {
    "inch": "2.54 cm",
    "foot": "30.48 cm",
    "yard": "0.9144 m",
    "mile": "1609.344 m",
    "nautical mile": "1852 m",
}
"""The exact definitions of 1959, and the nautical mile's of 1929."""

_PLURALS: Final = {
    "inch": "inches",
    "foot": "feet",
    "yard": "yards",
    "mile": "miles",
    "nautical mile": "nautical miles",
}
_INVENTED: Final = ("blick", "tarn", "moss", "quill", "sprig", "rond", "pell", "dorn")
_NAMES: Final = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jon")


def _converted(draws: Draws) -> str:
    return draws.pick(("Convert {a} to {u}.", "How many {u} are {a}?", "Express {a} in {u}."))


def conversion(draws: Draws, level: int) -> Draft | None:
    """A quantity in another unit: metric up to level 2, then by stated definitions, areas, and invented units."""
    sort = draws.between(0 if level < 3 else 1, level - 1) if level < 5 else draws.between(2, 4)
    count = Fraction(draws.between(1, 999), draws.pick((1, 2, 3, 4, 5, 7, 8)))
    if sort == 4:
        return _chain(draws, count)
    made = _single(draws, count, sort)
    if made is None:
        return None
    rule, told, unit, value = made
    text = f"{rule}{_converted(draws).format(a=told, u=unit)} {FRACTION}"
    return Draft("conversion", text, str(value), (told, unit))


def _single(draws: Draws, count: Fraction, sort: int) -> tuple[str, str, str, Fraction] | None:
    """What is known, the quantity, the unit asked for, and how many of it there are."""
    if sort == 2:
        one, unit = draws.pick(list(_DEFINED)), draws.pick([*_DEFINED, "cm", "m", "km"])
        rule = "".join(f"1 {name} is exactly {_DEFINED[name]}. " for name in (one, unit) if name in _DEFINED)
        value = count * _in_mm(one) / _in_mm(unit)
        return None if one == unit else (rule, f"{count} {_PLURALS[one]}", _PLURALS.get(unit, unit), value)
    if sort == 3:
        power, exponent, reach = draws.pick((("square", 2, 5), ("cubic", 3, 4)))
        one, unit = draws.sample(list(_METRIC[0])[:reach], 2)
        value = count * (_METRIC[0][one] / _METRIC[0][unit]) ** exponent
        return "", f"{count} {power} {one}", f"{power} {unit}", value
    sizes = draws.pick(_METRIC)
    one, other, unit = (draws.pick(list(sizes)) for _ in range(3))
    if sort == 0:
        return None if unit == one else ("", f"{count} {one}", unit, count * sizes[one] / sizes[unit])
    added = draws.between(1, 900)
    value = (count * sizes[one] + added * sizes[other]) / sizes[unit]
    return None if one == other or unit in {one, other} else ("", f"{count} {one} and {added} {other}", unit, value)


def _chain(draws: Draws, count: Fraction) -> Draft | None:
    """Invented units, each told by the next one, in random order."""
    names = draws.sample(_INVENTED, draws.between(4, 5))
    ratios = [(draws.between(2, 9), draws.between(2, 9)) for _ in names[1:]]
    value = count
    for a, b in ratios:
        value = value * b / a
    if any(a == b for a, b in ratios) or value.denominator > 5_000:
        return None
    steps = zip(ratios, pairwise(names), strict=True)
    rule = " ".join(draws.shuffled([f"{a} {here} are {b} {there}." for (a, b), (here, there) in steps]))
    ask = _converted(draws).format(a=f"{count} {names[0]}", u=names[-1])
    return Draft("conversion", f"{rule} {ask} {FRACTION}", str(value), (count, tuple(ratios)))


def _in_mm(unit: str) -> Fraction:
    amount, metric = _DEFINED.get(unit, f"1 {unit}").split()
    return Fraction(amount) * _METRIC[0][metric]


def rate(draws: Draws, level: int) -> Draft:
    """Ways at a speed, speeds in other units; from level 3 on meetings, pipes, and fuel of a mixed trip."""
    sort = draws.between(0, 1) if level < 3 else draws.between(1, level - 1)
    speed, other = draws.between(10, 100 + 20 * level), draws.between(10, 100 + 20 * level)
    hours, minutes = draws.between(0, 2 * level), draws.between(1, 59)
    lasts = Fraction(60 * hours + minutes, 60)
    key: tuple[Hashable, ...]
    if sort == 0:
        ask = draws.pick(
            (
                "A train goes at {v} km/h for {h} h {m} min. How many km is that?",
                "How many km does somebody go in {h} h {m} min at {v} km/h?",
            )
        )
        asked, value, key = ask.format(v=speed, h=hours, m=minutes), speed * lasts, (speed, hours, minutes)
    elif sort == 1:
        amount = Fraction(draws.between(1, 900), draws.pick((1, 2, 3, 4)))
        one, unit, value = draws.pick(
            (
                ("km/h", "m/s", amount * 5 / 18),
                ("m/s", "km/h", amount * 18 / 5),
                ("m/min", "km/h", amount * 3 / 50),
                ("litres per hour", "millilitres per second", amount * 5 / 18),
                ("grams per minute", "kilograms per day", amount * 36 / 25),
            )
        )
        asked, key = _converted(draws).format(a=f"{amount} {one}", u=unit), (amount, one, unit)
    elif sort == 2:
        way, later = draws.between(200, 900), draws.between(5, 55)
        ask = draws.pick(
            (
                (
                    "Two towns are {d} km apart. A car leaves the first for the second at {v} km/h; {t} min later one "
                    "leaves the second for the first at {w} km/h. "
                ),
                (
                    "A car goes through a valley of {d} km at {v} km/h. From the valley's other end one that starts "
                    "{t} min later comes towards it at {w} km/h. "
                ),
            )
        )
        ask += "How many hours after the first car's start do they meet?"
        value = (way + other * Fraction(later, 60)) / (speed + other)
        asked, key = ask.format(d=way, v=speed, w=other, t=later), (way, speed, other, later)
    elif sort == 3:
        fills, also, out = draws.between(4, 40), draws.between(4, 40), draws.between(41, 90)
        ask = draws.pick(
            (
                "One pipe fills an empty tank in {a} min, another one in {b} min. A drain empties it in {c} min. ",
                "A pump fills an empty tank in {a} min, a second one in {b} min. A leak empties it in {c} min. ",
            )
        )
        ask += "In how many minutes is it full when all three are at work?"
        value = 1 / (Fraction(1, fills) + Fraction(1, also) - Fraction(1, out))
        asked, key = ask.format(a=fills, b=also, c=out), (*sorted((fills, also)), out)
    else:
        use, price = draws.between(4, 15), draws.between(120, 220)
        ask = draws.pick(
            (
                "A car needs {u} litres of fuel per 100 km, and a litre costs {p} cents. It goes ",
                "Fuel costs {p} cents per litre, and a van burns {u} litres per 100 km. It goes ",
            )
        )
        ask += "{h} h {m} min at {v} km/h, and as long again at {w} km/h. How many cents does its fuel cost?"
        value = (speed + other) * lasts * use * price / 100
        asked = ask.format(u=use, p=price, h=hours, m=minutes, v=speed, w=other)
        key = (use, price, hours, minutes, *sorted((speed, other)))
    return Draft("rate", f"{asked} {FRACTION}", str(value), (sort, key))


def ages(draws: Draws, level: int) -> Draft | None:
    """Ages of two people, from level 4 on of three, that are told by sums, multiples and other years."""
    a, b, c = draws.sample(_NAMES, 3)
    young, old, third = draws.between(3, 40), draws.between(10, 90), draws.between(3, 80)
    ago, ahead = draws.between(2, 15), draws.between(2, 15)
    if young >= old or ago >= young:
        return None
    sort = draws.between(0, 1) if level < 3 else draws.between(level - 2, level - 1)
    if sort == 0:
        asked_old = draws.chance(1, 2)
        told = f"{a} is {old - young} years older than {b}. "
        if level == 1:
            told += f"Together they are {old + young} years old."
            key: tuple[int, ...] = (0, old, young, asked_old)
        else:
            told += f"In {ahead} years they will together be {old + young + 2 * ahead} years old."
            key = (1, old, young, ahead, asked_old)
        who, value = (a, old) if asked_old else (b, young)
    elif sort == 1:
        times, rest = divmod(old, young)
        if rest or times < 2:
            return None
        told = (
            f"{a} is {times} times as old as {b}. {ago} years ago they were together {old + young - 2 * ago} years old."
        )
        who, value, key = b, young, (old, young, ago)
    elif sort == 2:
        one, two = Fraction(old - ago, young - ago), Fraction(old + ahead, young + ahead)
        if one.denominator > 5 or two.denominator > 5 or one == two:
            return None
        told = (
            f"{ago} years ago {a} was {one} times as old as {b} was then. In {ahead} years {a} will be {two} times as "
            f"old as {b} will be then."
        )
        who, value, key = a, old, (old, young, ago, ahead)
    elif sort == 3:
        told = (
            f"{a} and {b} are together {old + young} years old, {b} and {c} will in {ahead} years together be "
            f"{young + third + 2 * ahead} years old, and {a} and {c} are together {old + third} years old."
        )
        who, value, key = c, third, (old, young, third, ahead)
    else:
        # When the older one was as old as the younger one is now, that one was younger by the same distance.
        then = 2 * young - old
        if then < 1:
            return None
        told = (
            f"When {a} was as old as {b} is now, {b} was {then} years old. In {ahead} years {a}, {b} and {c} will "
            f"together be {old + young + third + 3 * ahead} years old. {c} is {third} years old."
        )
        who, value, key = a, old, (old, young, third, ahead)
    ask = draws.pick(("How old is {w} now?", "What is the age of {w} now?", "Find {w}'s present age in years."))
    return Draft("ages", f"{told} {ask.format(w=who)} {INTEGER}", str(value), (sort, key))
