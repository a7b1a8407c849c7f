"""Probability: every outcome is written out and counted, or every path walked."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from fractions import Fraction
from functools import cache
from itertools import product

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import asked, check_checks, check_pool, fraction, numbers


def share(cases: Iterable[bool]) -> Fraction:
    counted = Counter(cases)
    return Fraction(counted[True], counted.total())


@cache
def throws(sides: tuple[int, ...]) -> Counter[int]:
    """Sums of all throws, one by one."""
    return Counter(map(sum, product(*(range(1, count + 1) for count in sides))))


def relation(told: str, target: int) -> Callable[[int], bool]:
    if "exactly" in told:
        return lambda total: total == target
    if "at least" in told:
        return lambda total: total > target - 1
    if "less than" in told:
        return lambda total: total <= target - 1
    return lambda total: total // target * target == total


def dice(question: GeneratedQuestion) -> Hashable:
    text = question.text.split(" The sides of")[0]
    *sides, target = numbers(text)
    [told] = re.findall(r"sum is (\D*)\d", text)
    holds = relation(told, target)
    sums = throws(tuple(sides))
    found = Fraction(sum(ways for total, ways in sums.items() if holds(total)), sums.total())
    assert found == fraction(question)
    return tuple(sorted(sides)), told, target


def drawn(counts: dict[str, int], left: int) -> Iterable[tuple[tuple[str, ...], int]]:
    """Every order of colours in which balls may come one after the other, and in how many ways."""
    if not left:
        yield (), 1
        return
    for colour, count in counts.items():
        if count:
            for rest, ways in drawn(counts | {colour: count - 1}, left - 1):
                yield (colour, *rest), ways * count


def urn(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    counts = {colour: int(count) for count, colour in re.findall(r"(\d+) (red|blue|green|yellow)", text)}
    [taken] = re.findall(r"(\d+) of them (?:are drawn|at random)", text)
    paths = list(drawn(counts, int(taken)))
    whole = sum(ways for _, ways in paths)
    if wanted := re.search(r"(exactly|at least) (\d+) of them (?:is|are) (\w+)", text):
        word, number, colour = wanted.groups()
        least = int(number)
        most = least if word == "exactly" else int(taken)
        fits = [ways for path, ways in paths if least <= path.count(colour) <= most]
        key: Hashable = (tuple(counts.items()), taken, wanted.groups())
    else:
        alike = "not all" not in text
        fits = [ways for path, ways in paths if (len(set(path)) == 1) == alike]
        key = tuple(sorted(counts.values())), taken, alike
    assert Fraction(sum(fits), whole) == fraction(question)
    return key


def coin(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    [told] = re.findall(r"\b(\d+/\d+)\b", text)
    heads = Fraction(told)
    [event] = re.findall(r"(?:that|it that) ((?:exactly|at least|heads|all).*)\?", text)
    given = numbers(event)
    fitting: Counter[int] = Counter()
    for tosses in product("HT", repeat=given[-1]):
        if "first" in event:
            fits = "".join(tosses).find("H") == given[-1] - 1
        elif "same" in event:
            fits = len(set(tosses)) == 1
        else:
            fits = tosses.count("H") == given[0] or ("least" in event and tosses.count("H") > given[0])
        fitting[tosses.count("H")] += fits
    assert fraction(question) == sum(
        count * heads**shown * (1 - heads) ** (given[-1] - shown) for shown, count in fitting.items()
    )
    return heads, event


def diagnosis(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    sick, hit, false = (Fraction(part) for part in re.findall(r"\d+/\d+", text))
    results = re.findall(r"(faulty|sound|positive|negative)(?= and then|\.)", text.split(". One ")[1])
    signs = [result in {"faulty", "positive"} for result in results] * (2 if "both times" in text else 1)
    # By natural frequencies: so many of a population for which all counts are whole.
    people = (sick.denominator * hit.denominator**2 * false.denominator**2) * 1
    ill, well = people * sick, people * (1 - sick)
    for sign in signs:
        ill *= hit if sign else 1 - hit
        well *= false if sign else 1 - false
    assert ill.denominator == well.denominator == 1
    assert ill / (ill + well) == fraction(question)
    return sick, hit, false, tuple(signs)


def walk(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    [told] = re.findall(r"\d+/\d+", text)
    given = numbers(text.replace(told, ""))
    if text.startswith("A ring"):
        _, places, start, steps, end = given
    else:
        places, _, _, start, end, steps = given
    forward = Fraction(told)
    fitting = Counter(
        path.count(1) for path in product((1, -1), repeat=steps) if (start + sum(path) - end) % places == 0
    )
    assert fraction(question) == sum(
        count * forward**ahead * (1 - forward) ** (steps - ahead) for ahead, count in fitting.items()
    )
    away = (end - start) % places
    return places, steps, min((away, forward), (-away % places, 1 - forward))


def fact(told: str) -> Callable[[int, int], bool]:
    """What is told about two cards, the smaller one first."""
    t = (numbers(told) or [0])[0]
    return {
        "their sum is even": lambda low, high: low % 2 == high % 2,
        "their sum is odd": lambda low, high: low % 2 != high % 2,
        "their product is even": lambda low, high: 0 in {low % 2, high % 2},
        "both are odd": lambda low, high: {low % 2, high % 2} == {1},
        f"their sum is a multiple of {t}": lambda low, high: (low + high) in range(0, 2 * high, t or 1),
        f"the larger one is at least {t}": lambda _, high: high >= t,
        f"the smaller one is at most {t}": lambda low, _: low <= t,
        f"they differ by at most {t}": lambda low, high: high <= low + t,
    }[told]


def cards(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    count = numbers(text)[1] if text.startswith("Two") else numbers(text)[0]
    given = re.findall(r"It is known that (.*?)\.", text)
    [wanted] = re.findall(r"(?:probability that|it that) (.*)\?", text)
    cases = []
    for low in range(1, count):
        for high in range(low + 1, count + 1):
            if all(fact(told)(low, high) for told in given):
                cases.append(fact(wanted)(low, high))  # noqa: PERF401 -- three conditions deep
    assert share(cases) == fraction(question)
    return count, tuple(given), wanted


def expectation(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    setting, told = text.split("expected value of ")
    one, two = (number for number in numbers(setting) if number != 1)
    given = numbers(told)

    def gain(a: int, b: int) -> int:
        if "gain" in told:
            stake, prize, target = given
            return (prize if a + b >= target else 0) - stake
        if "distance" in told:
            return max(a, b) - min(a, b) + given[0] * min(a, b)
        if "product" in told:
            target, otherwise = given
            return a * b if a + b >= target else otherwise
        return (max(b, a)) + (given[0] if given and a == b else 0)

    # By how often each value comes.
    values = Counter(gain(a, b) for a, b in product(range(1, one + 1), range(1, two + 1)))
    mean = sum(value * Fraction(count, one * two) for value, count in values.items())
    assert mean == fraction(question)
    return frozenset((one, two)), told.rstrip("?.")


CHECKS = {
    "dice": dice,
    "urn": urn,
    "coin": coin,
    "diagnosis": diagnosis,
    "walk": walk,
    "cards": cards,
    "expectation": expectation,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("probability", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("probability", CHECKS)
