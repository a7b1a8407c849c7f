"""Probability: dice, urns, biased coins, tests, walks, numbered cards and expected values, as exact fractions. Pure."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb, prod
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import FRACTION, Draft, Kind

_PROBABILITY: Final = "Answer with the probability as a fraction in lowest terms, such as 7/12."


def _sums(dice: Sequence[int]) -> dict[int, int]:
    """How many throws give each sum."""
    ways = {0: 1}
    for sides in dice:
        wider: dict[int, int] = {}
        for total, count in ways.items():
            for face in range(1, sides + 1):
                wider[total + face] = wider.get(total + face, 0) + count
        ways = wider
    return ways


_RELATIONS: Final[tuple[tuple[str, Callable[[int, int], bool]], ...]] = (
    ("is exactly {t}", lambda total, t: total == t),
    ("is at least {t}", lambda total, t: total >= t),
    ("is less than {t}", lambda total, t: total < t),
    ("is a multiple of {t}", lambda total, t: total % t == 0),
)


def dice(draws: Draws, level: int) -> Draft | None:
    """The sum of two dice, or of three from level 3 on, with numbers of sides of their own."""
    thrown = sorted(draws.between(4, 12 + 2 * level) for _ in range(2 if level < 3 else 3))
    low, high = len(thrown), sum(thrown)
    told, holds = draws.pick(_RELATIONS)
    target = draws.between(2, 7) if "multiple" in told else draws.between(low + 1, high - 1)
    ways = _sums(thrown)
    value = Fraction(sum(count for total, count in ways.items() if holds(total, target)), prod(thrown))
    sides = [f"one with {count} sides" for count in thrown]
    ask = draws.pick(
        (
            "Of {n} fair dice, {d}, each is thrown once. What is the probability that the sum {r}?",
            "Somebody throws {n} fair dice: {d}. How likely is it that their sum {r}?",
        )
    ).format(n="two" if low == 2 else "three", d=", ".join(sides), r=told.format(t=target))
    text = f"{ask} The sides of a die are numbered from 1. {_PROBABILITY}"
    return Draft("dice", text, str(value), (tuple(thrown), told, target)) if 0 < value < 1 else None


_BALLS: Final = ("red", "blue", "green", "yellow")


def urn(draws: Draws, level: int) -> Draft | None:
    """Balls drawn without putting them back: how many of a colour, or all alike, or all different."""
    colours = _BALLS[: 2 + level // 2]
    counts = [draws.between(2, 5 + 2 * level) for _ in colours]
    taken = draws.between(2, 2 + level // 2)
    whole = comb(sum(counts), taken)
    colour = draws.between(0, len(colours) - 1)
    number = draws.between(0, taken)
    sort = draws.between(0, 3)
    mine, rest = counts[colour], sum(counts) - counts[colour]
    exact = {n: comb(mine, n) * comb(rest, taken - n) for n in range(taken + 1)}
    if sort == 0:
        told, ways = f"exactly {number} of them {'is' if number == 1 else 'are'} {colours[colour]}", exact[number]
    elif sort == 1:
        told = f"at least {number} of them {'is' if number == 1 else 'are'} {colours[colour]}"
        ways = sum(count for n, count in exact.items() if n >= number)
    elif sort == 2:
        told, ways = "all of them have the same colour", sum(comb(count, taken) for count in counts)
    else:
        told, ways = "not all of them have the same colour", whole - sum(comb(count, taken) for count in counts)
    value = Fraction(ways, whole)
    balls = ", ".join(f"{count} {name}" for count, name in zip(counts[:-1], colours[:-1], strict=True))
    ask = draws.pick(
        (
            (
                "An urn holds {b} balls. {k} of them are drawn at random without putting any back. What is the "
                "probability that {t}?"
            ),
            (
                "In a bag there are {b} balls. Somebody takes {k} of them at random, together. How likely is it that "
                "{t}?"
            ),
        )
    )
    text = f"{ask.format(b=f'{balls} and {counts[-1]} {colours[-1]}', k=taken, t=told)} {_PROBABILITY}"
    key = (tuple(counts), taken, sort, (colour, number) if sort < 2 else 0)
    if sort >= 2:
        key = (tuple(sorted(counts)), taken, sort, 0)
    return Draft("urn", text, str(value), key) if 0 < value < 1 else None


def coin(draws: Draws, level: int) -> Draft:
    """A biased coin: how often heads come, or when first."""
    bottom = draws.between(2, 4 + 2 * level)
    chance = Fraction(draws.between(1, bottom - 1), bottom)
    tosses = draws.between(2, 2 + level)
    number = draws.between(1, tosses)
    sort = draws.between(0, 3)
    each = [comb(tosses, n) * chance**n * (1 - chance) ** (tosses - n) for n in range(tosses + 1)]
    told, value = (
        (f"exactly {number} of {tosses} tosses {'shows' if number == 1 else 'show'} heads", each[number]),
        (f"at least {number} of {tosses} tosses {'shows' if number == 1 else 'show'} heads", sum(each[number:])),
        (f"heads come for the first time at toss {tosses}", (1 - chance) ** (tosses - 1) * chance),
        (f"all of {tosses} tosses show the same side", chance**tosses + (1 - chance) ** tosses),
    )[sort]
    ask = draws.pick(
        (
            "A coin shows heads with probability {p}. What is the probability that {t}?",
            "The probability of heads is {p} for a bent coin. How likely is it that {t}?",
        )
    )
    text = f"{ask.format(p=chance, t=told)} {_PROBABILITY}"
    return Draft("coin", text, str(value), (chance, told))


def diagnosis(draws: Draws, level: int) -> Draft | None:
    """What a sign tells about a cause: from level 3 on, two signs that are independent given the cause."""
    whole = draws.pick((10, 20, 50, 100, 200)[: level + 1])
    share = Fraction(draws.between(1, whole // 2), whole)
    hit, false = Fraction(draws.between(11, 19), 20), Fraction(draws.between(1, 9), 20)
    signs = 1 if level < 3 else 2
    seen = draws.between(0, signs)
    ways = [rate**seen * (1 - rate) ** (signs - seen) for rate in (hit, false)]
    value = share * ways[0] / (share * ways[0] + (1 - share) * ways[1])
    ask = draws.pick(
        (
            (
                "{s} of all parts from a machine are faulty. A test reports a faulty part as faulty with probability "
                "{h}, and a sound part as faulty with probability {f}."
            ),
            (
                "In a herd, {s} of the animals are infected. A test is positive with probability {h} for an infected "
                "animal and with probability {f} for any other."
            ),
        )
    )
    thing, bad, yes, no = (
        ("part", "faulty", "reported as faulty", "reported as sound")
        if "machine" in ask
        else ("animal", "infected", "tested positive", "tested negative")
    )
    told = f"One {thing} is {yes if seen else no}."
    if signs == 2:
        found = (f"both times {no}", f"first {yes} and then {no}", f"both times {yes}")[seen]
        told = f"One {thing} is tested twice, independently, and is {found}."
    text = f"{ask.format(s=share, h=hit, f=false)} {told} What is the probability that it is {bad}? {_PROBABILITY}"
    return Draft("diagnosis", text, str(value), (share, hit, false, signs, seen))


def walk(draws: Draws, level: int) -> Draft | None:
    """Where a walker on a ring of places is after some steps."""
    places = draws.between(4, 5 + level)
    steps = draws.between(2, 2 + level)
    bottom = draws.between(2, 6 + level)
    forward = Fraction(draws.between(1, bottom - 1), bottom)
    start, end = draws.between(1, places), draws.between(1, places)
    at = {start - 1: Fraction(1)}
    for _ in range(steps):
        after: dict[int, Fraction] = {}
        for place, chance in at.items():
            for way, share in ((1, forward), (-1, 1 - forward)):
                there = (place + way) % places
                after[there] = after.get(there, Fraction(0)) + chance * share
        at = after
    value = at.get(end - 1, Fraction(0))
    ask = draws.pick(
        (
            (
                "A ring has the places 1 to {n} in clockwise order. A frog starts at place {s}; with each jump it goes "
                "to the next place clockwise with probability {p} and otherwise to the next one anticlockwise. What is "
                "the probability that after {k} jumps it is at place {e}?"
            ),
            (
                "On a round board, {n} fields are numbered 1 to {n} clockwise. A token on field {s} moves one field "
                "clockwise with probability {p}, otherwise one field back. How likely is it to stand on field {e} "
                "after {k} moves?"
            ),
        )
    )
    told = ask.format(n=places, s=start, p=forward, k=steps, e=end)
    # Turned or mirrored, the ring is the same.
    key = (places, steps, min(((end - start) % places, forward), ((start - end) % places, 1 - forward)))
    return Draft("walk", f"{told} {_PROBABILITY}", str(value), key) if value else None


def _fact(draws: Draws, cards: int) -> tuple[str, Callable[[int, int], bool]]:
    t = draws.between(3, max(4, cards // 2))
    facts: tuple[tuple[str, Callable[[int, int], bool]], ...] = (
        ("their sum is even", lambda a, b: (a + b) % 2 == 0),
        ("their sum is odd", lambda a, b: (a + b) % 2 == 1),
        ("their product is even", lambda a, b: a * b % 2 == 0),
        ("both are odd", lambda a, b: a * b % 2 == 1),
        (f"their sum is a multiple of {t}", lambda a, b: (a + b) % t == 0),
        (f"the larger one is at least {t}", lambda a, b: max(a, b) >= t),
        (f"the smaller one is at most {t}", lambda a, b: min(a, b) <= t),
        (f"they differ by at most {t}", lambda a, b: abs(a - b) <= t),
    )
    return draws.pick(facts)


def cards(draws: Draws, level: int) -> Draft | None:
    """Two numbered cards: one fact about them, given another one from level 2 on."""
    count = draws.between(6, 12 + 6 * level)
    pairs = [(a, b) for a in range(1, count + 1) for b in range(a + 1, count + 1)]
    wanted, holds = _fact(draws, count)
    given = ""
    if level > 1:
        given, known = _fact(draws, count)
        if given == wanted:
            return None
        pairs = [pair for pair in pairs if known(*pair)]
    if not pairs:
        return None
    value = Fraction(sum(holds(*pair) for pair in pairs), len(pairs))
    if not 0 < value < 1:
        return None
    ask = draws.pick(
        (
            (
                "Two cards are drawn at random, without putting one back, from cards numbered 1 to {n}.{g} What is the "
                "probability that {w}?"
            ),
            "From {n} cards with the numbers 1 to {n}, two are drawn together at random.{g} How likely is it that {w}?",
        )
    )
    told = ask.format(n=count, g=f" It is known that {given}." if given else "", w=wanted)
    return Draft("cards", f"{told} {_PROBABILITY}", str(value), (count, given, wanted))


def expectation(draws: Draws, level: int) -> Draft:
    """The expected value of the larger or smaller of dice, their product, or the gain of a game."""
    one, two = sorted((draws.between(4, 10 + 3 * level), draws.between(4, 10 + 3 * level)))
    sort = draws.between(0, min(level, 3))
    faces = [(a, b) for a in range(1, one + 1) for b in range(1, two + 1)]
    stake, gain, target = draws.between(1, 9), draws.between(2, 30), draws.between(4, one + two - 1)
    if sort == 0:
        told = f"the gain of somebody who pays {stake} coins and gets {gain} coins when the sum is at least {target}"
        value = Fraction(sum(gain for a, b in faces if a + b >= target), len(faces)) - stake
    elif sort == 1:
        told, value = "the larger of the two numbers", Fraction(sum(max(pair) for pair in faces), len(faces))
        if level > 2:
            told = f"the larger of the two numbers, with {gain} added when both are equal"
            value += Fraction(gain * one, len(faces))
    elif sort == 2:
        told = f"the distance between the two numbers, plus {stake} times the smaller one"
        value = Fraction(sum(abs(a - b) + stake * min(a, b) for a, b in faces), len(faces))
    else:
        told = f"the product of the two numbers if their sum is at least {target}, and {stake} otherwise"
        value = Fraction(sum(a * b if a + b >= target else stake for a, b in faces), len(faces))
    ask = draws.pick(
        (
            (
                "A fair die with {a} sides and a fair die with {b} sides, both numbered from 1, are thrown. What is "
                "the expected value of {t}?"
            ),
            "Two fair dice are thrown, one numbered 1 to {a} and the other 1 to {b}. Find the expected value of {t}.",
        )
    )
    return Draft("expectation", f"{ask.format(a=one, b=two, t=told)} {FRACTION}", str(value), (one, two, told))


KIND: Final = Kind(
    slug="probability",
    version=1,
    families=(dice, urn, coin, diagnosis, walk, cards, expectation),
)
