"""Dates and units: calendars are walked or counted by a day number of our own, quantities found by another route."""

import re
from collections.abc import Hashable, Iterator
from fractions import Fraction
from math import lcm

import pytest

from dearena.generators import GeneratedQuestion, generate
from tests.unit.generators.pools import SIZE, asked, check_checks, check_pool, fraction, numbers

Day = tuple[int, int, int]

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH, WEEKDAY = "|".join(MONTHS), "|".join(WEEKDAYS)


def day_number(day: Day) -> int:
    """Days since the Monday 1 January 1 in the Gregorian calendar: years are counted from March on."""
    year, month, date = day
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + date - 307


def length(year: int, month: int) -> int:
    """Days of a month: as many as come before the next one."""
    following = (year + 1, 1, 1) if month == 12 else (year, month + 1, 1)
    return day_number(following) - day_number((year, month, 1))


def day_of(number: int) -> Day:
    year = number // 366 + 1
    while day_number((year + 1, 1, 1)) <= number:
        year += 1
    month = 1
    while month < 12 and day_number((year, month + 1, 1)) <= number:
        month += 1
    return year, month, number - day_number((year, month, 1)) + 1


def iso(day: Day) -> str:
    return f"{day[0]:04}-{day[1]:02}-{day[2]:02}"


def dates_in(text: str) -> list[Day]:
    """The dates of a text, however they are written."""
    pattern = rf"(\d+) ({MONTH}) (\d{{4}})|({MONTH}) (\d+), (\d{{4}})|(\d{{4}})-(\d\d)-(\d\d)"
    found: list[Day] = []
    for a, b, c, d, e, f, g, h, i in re.findall(pattern, text):
        if a:
            found.append((int(c), MONTHS.index(b) + 1, int(a)))
        elif d:
            found.append((int(f), MONTHS.index(d) + 1, int(e)))
        else:
            found.append((int(g), int(h), int(i)))
    return found


def weekday_of(day: Day) -> str:
    return WEEKDAYS[day_number(day) % 7]


def anchored(text: str) -> Day | None:
    """The date whose weekday is told, which must be right."""
    told = re.search(rf"([^:.]*?)(?: is|,) an? ({WEEKDAY})\b", text)
    if told is None:
        return None
    [day] = dates_in(told[1])
    assert weekday_of(day) == told[2]
    return day


def days_between(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    start, end = dates_in(text)[-2:]
    [wanted] = re.findall(rf"({WEEKDAY})s (?:there are )?(?:are there )?from", text) or [None]
    free = "neither" in text or "Leaving out" in text
    if wanted or free:
        assert anchored(text) == start
    else:
        assert anchored(text) is None
    # Walked one day after the other.
    first, last = day_number(start), day_number(end)
    counted = 0
    for number in range(first, last + 1):
        name = WEEKDAYS[number % 7]
        counted += name == wanted if wanted else name not in {"Saturday", "Sunday"} if free else 1
    if "later" in text or "days after" in text:
        counted -= 1
        sort = "after"
    else:
        sort = "both"
    assert str(counted) == question.reference
    return start, end, wanted, free, sort


def weekday(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    anchor = anchored(text)
    if how_often := re.search(r"day (\d+)", text):
        day = int(how_often[1])
        [year] = [number for number in numbers(text) if number > 999]
        [name] = re.findall(WEEKDAY, text)
        counted = sum(day <= length(year, month) and weekday_of((year, month, day)) == name for month in range(1, 13))
        assert str(counted) == question.reference
        return year, day, name
    if nth := re.search(rf"the (first|second|third|fourth|last) ({WEEKDAY}) of ({MONTH}) (\d+)", text):
        year, month = int(nth[4]), MONTHS.index(nth[3]) + 1
        days = [(year, month, day) for day in range(1, length(year, month) + 1)]
        matching = [day for day in days if weekday_of(day) == nth[2]]
        place = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}[nth[1]]
        assert iso(matching[place]) == question.reference
        return anchor, nth[0]
    day_asked = dates_in(text)[-1]
    assert weekday_of(day_asked) == question.reference
    assert (anchor is None) == (len(dates_in(text)) == 1)
    return anchor, day_asked


def business(numbers_of_days: range, holidays: list[int]) -> int:
    """Mondays to Fridays by whole weeks and a rest, without those that are holidays."""
    weeks, rest = divmod(len(numbers_of_days), 7)
    first = numbers_of_days[0] if numbers_of_days else 0
    found = 5 * weeks + sum((first + day) % 7 < 5 for day in range(rest))
    return found - sum(day in numbers_of_days and day % 7 < 5 for day in set(holidays))


def date_after(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", question.reference)
    [goal] = dates_in(question.reference)
    back = "before" in text
    if "usiness" not in text:
        [start] = dates_in(text)
        far = re.search(r"(\d+) weeks(?: and (\d+) days)? (?:before|after)", text)
        assert far is not None
        days = 7 * int(far[1]) + int(far[2] or 0)
        assert day_number(goal) - day_number(start) == (-days if back else days)
        return start, far[1], far[2], back
    rule, rest = text.split(". ", 1)
    holidays = dates_in(rule)
    begun_on = anchored(rest)
    assert begun_on is not None
    [count] = [int(found) for found in re.findall(r"(\d+) business days", text)]
    reached, begun = day_number(goal), day_number(begun_on)
    days_passed = range(reached, begun) if back else range(begun + 1, reached + 1)
    off = [day_number(day) for day in holidays]
    assert len(set(off)) == len(off)
    assert business(days_passed, off) == count
    # It is a business day itself, or the count was reached before.
    assert reached % 7 < 5
    assert reached not in off
    return begun_on, count, back, frozenset(holidays)


def months_later(day: Day, months: int) -> Day:
    """Month after month; what the last one does not have becomes its last day."""
    year, month, date = day
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return year, month, min(date, length(year, month))


def month_ends(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    if "leap" in text:
        first, last = numbers(text)
        counted = sum(length(year, 2) == 29 for year in range(first, last + 1))
        assert str(counted) == question.reference
        return first, last
    if "the last day of" in text:
        ends = [(int(year), MONTHS.index(name) + 1) for name, year in re.findall(rf"({MONTH}) (\d+)", text)]
        one, other = ((year, month, length(year, month)) for year, month in ends)
        assert str(day_number(other) - day_number(one)) == question.reference
        return one, other
    [start] = dates_in(text)
    assert start[2] > length(*start[:2]) - 3
    months = [int(count) for count in re.findall(r"(\d+) months", text)]
    days = [int(count) for count in re.findall(r"(\d+) days;", text)]
    goal = start
    for count in months:
        goal = months_later(goal, count)
    goal = day_of(day_number(goal) + sum(days))
    assert iso(goal) == question.reference
    assert "does not have becomes that month's last day" in text
    return start, tuple(months), tuple(days)


def minute(day: Day, hours: int, minutes: int, offset: int) -> int:
    """Minutes in UTC since the first day."""
    return (day_number(day) * 24 + hours) * 60 + minutes - offset


def clocks(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    offsets = [
        (1 if sign == "+" else -1) * (int(hours) * 60 + int(minutes))
        for sign, hours, minutes in re.findall(r"UTC([+-])(\d\d):(\d\d)", text)
    ] or [0, 0]
    assert all(-12 * 60 <= offset <= 14 * 60 for offset in offsets)
    here, there = offsets
    days = dates_in(text)
    times = [(int(hours), int(minutes)) for hours, minutes in re.findall(r" (?:at )(\d\d):(\d\d)", text)]
    lasts = tuple(int(hours) * 60 + int(minutes) for hours, minutes in re.findall(r"(\d+) h (\d+) min", text))
    begun = minute(days[0], *times[0], here)
    if len(days) == 2:
        assert str(minute(days[1], *times[1], there) - begun) == question.reference
    else:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", question.reference)
        [day] = dates_in(question.reference)
        [time] = re.findall(r" (\d\d):(\d\d)$", question.reference)
        assert minute(day, int(time[0]), int(time[1]), there) - begun == sum(lasts)
        assert int(time[0]) < 24
        assert int(time[1]) < 60
    return tuple(days), tuple(times), lasts, here, there


def walked(months: int, days: int, every: int | None, start: Day) -> Iterator[Day]:
    """The days of an invented calendar from one on."""
    year, month, day = start
    while True:
        yield year, month, day
        size = days + (1 if every and year % every == 0 and month == months else 0)
        if day < size:
            day += 1
        elif month < months:
            month, day = month + 1, 1
        else:
            year, month, day = year + 1, 1, 1


def planet(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    shape = re.search(r"a year has (\d+) months of (\d+) days each(?:; in years divisible by (\d+))?", text)
    assert shape is not None
    months, days, every = int(shape[1]), int(shape[2]), int(shape[3]) if shape[3] else None
    told = [(int(y), int(m), int(d)) for d, m, y in re.findall(r"day (\d+) of month (\d+) of year (\d+)", text)]
    start = told[0]
    goal: Day
    if len(told) == 2:
        goal = told[1]
    else:
        assert re.fullmatch(r"\d+/\d+/\d+", question.reference)
        year, month, day = (int(part) for part in question.reference.split("/"))
        goal = year, month, day
    far, reached = next((count, day) for count, day in enumerate(walked(months, days, every, start)) if day >= goal)
    assert reached == goal
    if len(told) == 1:
        [wanted] = [int(found) for found in re.findall(r"(\d+) days (?:after|later)", text)]
        assert far == wanted
        return months, days, every, start, "date", far
    if "week" not in text:
        assert str(far) == question.reference
        return months, days, every, start, "days", far
    [week] = [int(found) for found in re.findall(r"A week has (\d+) days", text)]
    [first] = [int(found) for found in re.findall(r"is a day (\d+) of the week", text)]
    now = first
    for _ in range(far):
        now = now % week + 1
    assert str(now) == question.reference
    return months, days, every, start, "week", far, week, first


PREFIXES = {"": 0, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3}
SECONDS = {"s": 1, "min": 60, "h": 60 * 60, "d": 24 * 60 * 60}
SINGULAR = {"inches": "inch", "feet": "foot", "yards": "yard", "miles": "mile", "nautical miles": "nautical mile"}

YARD = Fraction(9144, 10_000)
METRES = {"inch": YARD / 36, "foot": YARD / 3, "yard": YARD, "mile": 1760 * YARD, "nautical mile": Fraction(1852)}


def in_base(unit: str, definitions: dict[str, Fraction]) -> Fraction:
    """A unit in metres, grams, litres or seconds (or their powers), by its prefix or the definition in the text."""
    power, _, bare = unit.rpartition(" ")
    if power in {"square", "cubic"}:
        return in_base(bare, definitions) ** {"square": 2, "cubic": 3}[power]
    if unit in SINGULAR:
        return definitions[SINGULAR[unit]]
    if unit in SECONDS:
        return Fraction(SECONDS[unit])
    return Fraction(10) ** PREFIXES[unit[:-1]]


def asked_for(text: str) -> tuple[str, str]:
    """The quantity and the unit asked for."""
    for pattern in (r"Convert (.*) to (.*)\.$", r"Express (.*) in (.*)\.$"):
        if found := re.search(pattern, text):
            return found[1], found[2]
    found = re.search(r"How many (.*) are (.*)\?$", text)
    assert found is not None
    return found[2], found[1]


def conversion(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), fraction(question)
    quantity, unit = asked_for(text)
    facts = re.findall(r"(\d+) (\w+) are (\d+) (\w+)\.", text)
    if facts:
        count, name = quantity.split(" ")
        # From the answer back to what was given, unit by unit.
        back, now, chain = answer, unit, []
        while now != name:
            [(a, here, b, _)] = [fact for fact in facts if fact[3] == now]
            back, now = back / int(b) * int(a), here
            chain.append((a, b))
        assert len(chain) == len(facts)
        assert back == Fraction(count)
        return count, tuple(chain)
    definitions = {
        name: Fraction(amount) * in_base(metric, {})
        for name, amount, metric in re.findall(r"1 ([a-z ]+) is exactly ([\d.]+) (\w+)\.", text)
    }
    for name, size in definitions.items():
        assert size == METRES[name]
    total = Fraction(0)
    for part in quantity.split(" and "):
        count, name = part.split(" ", 1)
        total += Fraction(count) * in_base(name, definitions)
    assert answer * in_base(unit, definitions) == total
    return quantity, unit


SPEEDS = {
    "km/h": Fraction(1000, 3600),
    "m/s": Fraction(1),
    "m/min": Fraction(1, 60),
    "litres per hour": Fraction(1000, 3600),
    "millilitres per second": Fraction(1),
    "grams per minute": Fraction(1, 60),
    "kilograms per day": Fraction(1000, 24 * 60 * 60),
}


def rate(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), fraction(question)
    if "do they meet" in text:
        way, speed, later, other = numbers(text)
        # At the meeting both ways together are the whole way, and the second one has started.
        assert answer * 60 > later
        assert speed * answer + other * (answer - Fraction(later, 60)) == way
        return "meet", way, speed, later, other
    if "tank" in text:
        one, two, out = numbers(text)
        # In as many minutes as all three divide, whole tanks flow.
        span = lcm(one, two, out)
        assert answer * (span // one + span // two - span // out) == span
        return "tank", frozenset((one, two)), (one == two), out
    if "cents" in text:
        [use] = [int(found) for found in re.findall(r"(\d+) litres", text)]
        [price] = [int(found) for found in re.findall(r"(\d+) cents", text)]
        [(hours, minutes)] = re.findall(r"(\d+) h (\d+) min", text)
        one, two = (int(found) for found in re.findall(r"at (\d+) km/h", text))
        # Both parts at the mean speed, for twice the time; 60 min and 100 km are taken out of the cents at the end.
        assert answer * 60 * 100 == Fraction(one + two, 2) * 2 * (60 * int(hours) + int(minutes)) * use * price
        return "fuel", use, price, hours, minutes, tuple(sorted((one, two)))
    if lasting := re.search(r"(\d+) h (\d+) min", text):
        [speed] = [int(found) for found in re.findall(r"at (\d+) km/h", text)]
        minutes = 60 * int(lasting[1]) + int(lasting[2])
        assert answer / minutes == Fraction(speed, 60)
        return "way", speed, minutes
    quantity, unit = asked_for(text)
    amount, one_unit = quantity.split(" ", 1)
    assert Fraction(amount) * SPEEDS[one_unit] == answer * SPEEDS[unit]
    return amount, one_unit, unit


def ages(question: GeneratedQuestion) -> Hashable:
    """Every age is tried, and one must be left."""
    text = asked(question)
    names: list[str] = list(dict.fromkeys(re.findall(r"\b(Ana|Ben|Cleo|Dan|Eva|Finn|Gita|Hugo|Ines|Jon)\b", text)))
    [who] = re.findall(r"(?:old is|age of|Find) (\w+)", text.split(". ")[-1])
    found = {ages_told[names.index(who)] for ages_told in solutions(text, names)}
    assert {question.reference} == {str(age) for age in found}
    numbered = re.sub("|".join(names), lambda name: f"n{names.index(name[0])}", text.rsplit(". ", 1)[0])
    return numbered, names.index(who)


TRIED = range(1, 130)


def solutions(text: str, names: list[str]) -> list[tuple[int, ...]]:
    """The ages of those named, in the order of their names, that do what the text says."""
    told = text.rsplit(". ", 1)[0] + "."
    pairs = [(a, b) for a in TRIED for b in TRIED]
    given = numbers(told)
    if "older" in told:
        apart, ahead, total = given if len(given) == 3 else (given[0], 0, given[1])
        return [(a, b) for a, b in pairs if a == b + apart and a + ahead + b + ahead == total]
    if told.startswith("When"):
        then, ahead, total, third = given
        assert re.findall(r"years (\w+), (\w+) and (\w+)", told) == [tuple(names)]
        return [(a, b, third) for a, b in pairs if b - (a - b) == then and a + b + third + 3 * ahead == total]
    if "will be" in told:
        [(ago, before)] = re.findall(r"(\d+) years ago \w+ was (\S+) times", told)
        [(ahead, after)] = re.findall(r"In (\d+) years \w+ will be (\S+) times", told)
        return [pair for pair in pairs if multiple(pair, -int(ago), before) and multiple(pair, int(ahead), after)]
    if "times" in told:
        times, ago, total = given
        return [(a, b) for a, b in pairs if a == times * b and a - ago + b - ago == total]
    both, ahead, later, others = given
    return [(a, b, others - a) for a, b in pairs if a + b == both and b + ahead + others - a + ahead == later]


def multiple(pair: tuple[int, int], years: int, times: str) -> bool:
    """Whether so many years later, both alive, the first is so many times as old as the second."""
    one, other = pair[0] + years, pair[1] + years
    return other > 0 and Fraction(one, other) == Fraction(times)


CHECKS = {
    "days-between": days_between,
    "weekday": weekday,
    "date-after": date_after,
    "month-ends": month_ends,
    "clocks": clocks,
    "planet": planet,
    "conversion": conversion,
    "rate": rate,
    "ages": ages,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("dates-and-units", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("dates-and-units", CHECKS)


@pytest.mark.parametrize("difficulty", range(1, 6))
def test_ten_thousand_questions_of_one_level_are_distinct(difficulty: int) -> None:
    pool = generate("dates-and-units", SIZE, 7, difficulty)
    assert len({question.text for question in pool}) == SIZE
    assert len({question.key for question in pool}) == SIZE
    # Each family has its share, which it would not have if it ran out.
    for category in CHECKS:
        assert sum(question.category == category for question in pool) > SIZE / len(CHECKS) / 2


def test_the_day_number_of_the_checks_counts_days() -> None:
    day: Day = (1, 1, 1)
    for number in range(200_000):
        assert day_number(day) == number
        day = next_day(day)
    assert weekday_of((2000, 1, 1)) == "Saturday"


def next_day(day: Day) -> Day:
    """The calendar's rule, said another way than by the day number."""
    year, month, date = day
    leap = year % 400 == 0 if year % 100 == 0 else year % 4 == 0
    size = 30 if month in {4, 6, 9, 11} else 31 if month != 2 else 29 if leap else 28
    if date < size:
        return year, month, date + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
