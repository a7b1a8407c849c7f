"""Puzzles of dates and clocks: spans, weekdays, business days, month ends, stated offsets, invented calendars.

Pure. All dates are of the Gregorian calendar, which the questions say.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import INTEGER, Draft

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE: Final = "Answer in the form YYYY-MM-DD."
_WEEKDAY: Final = "Answer with the name of the weekday."
_DATE_AND_TIME: Final = "Answer in the form YYYY-MM-DD HH:MM, with hours from 00 to 23."
_SPANS: Final = (60, 400, 3_000, 20_000, 60_000)
"""Days between two dates at most, by level."""

_STYLES: Final[tuple[Callable[[date], str], ...]] = (
    lambda day: f"{day.day} {_MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{_MONTHS[day.month - 1]} {day.day}, {day.year}",
    lambda day: day.isoformat(),
)


def _date(draws: Draws, level: int) -> date:
    reach = 60 * level
    first, last = date(2000 - reach, 1, 1).toordinal(), date(2000 + reach, 12, 31).toordinal()
    return date.fromordinal(draws.between(first, last))


def _named(day: date) -> str:
    return _WEEKDAYS[day.weekday()]


def _weekdays_between(start: date, end: date, wanted: int) -> int:
    """How many days of that weekday there are from one date to another, both included."""
    first = start + timedelta(days=(wanted - start.weekday()) % 7)
    return (end - first).days // 7 + 1


def days_between(draws: Draws, level: int) -> Draft:
    """Days between two dates; from level 3 on also days of one weekday, or Mondays to Fridays."""
    start, span = _date(draws, level), _SPANS[level - 1]
    end = start + timedelta(days=draws.between(span // 6, span))
    told = draws.pick(_STYLES)
    a, b, wanted = told(start), told(end), draws.between(0, 6)
    sort = draws.between(0, 1) if level < 3 else draws.between(0, 3)
    anchor = f"{a} is a {_named(start)}. " if sort > 1 else ""
    asks = (
        (
            f"How many days after {a} is {b}?",
            f"Something begins on {a} and is due on {b}. How many days later is that?",
        ),
        (
            f"How many days are there from {a} to {b}, both of these days counted?",
            f"A show opens on {a} and closes after {b}, with no day off. On how many days is it open?",
        ),
        (
            f"How many {_WEEKDAYS[wanted]}s are there from {a} to {b}, both of these days included?",
            f"Count the {_WEEKDAYS[wanted]}s from {a} to {b}, with both of these days.",
        ),
        (
            f"How many days from {a} to {b}, both included, are neither Saturdays nor Sundays?",
            f"Leaving out Saturdays and Sundays, how many days are there from {a} to {b}, both included?",
        ),
    )
    value = (
        (end - start).days,
        (end - start).days + 1,
        _weekdays_between(start, end, wanted),
        sum(_weekdays_between(start, end, day) for day in range(5)),
    )[sort]
    text = f"In the Gregorian calendar: {anchor}{draws.pick(asks[sort])} {INTEGER}"
    return Draft("days-between", text, str(value), (sort, start, end, wanted if sort == 2 else None))


def weekday(draws: Draws, level: int) -> Draft | None:
    """The weekday of a date by that of another; from level 3 on a weekday's date, and beyond without another date."""
    start, span = _date(draws, level), _SPANS[min(level, 4) - 1]
    other = start + timedelta(days=draws.between(8, span) * draws.pick((1, -1 if level > 1 else 1)))
    told = draws.pick(_STYLES)
    anchor = f"{told(start)} is a {_named(start)}. " if level < 4 else ""
    known = start if level < 4 else None
    sort = draws.between(0, 0 if level < 3 else 1 if level == 3 else 2)
    if sort == 0:
        ask = draws.pick(("Which weekday is {d}?", "On which day of the week does {d} fall?"))
        told_text, reference = f"{ask.format(d=told(other))} {_WEEKDAY}", _named(other)
        key: tuple[object, ...] = (known, other)
    elif sort == 1:
        number, wanted = draws.between(1, 5), draws.between(0, 6)
        month = f"{_MONTHS[other.month - 1]} {other.year}"
        first = other.replace(day=1)
        days = [day for day in (first + timedelta(days=n) for n in range(31)) if day.month == first.month]
        matching = [day for day in days if day.weekday() == wanted]
        which = ("first", "second", "third", "fourth", "last")[number - 1]
        ask = draws.pick(("What is the date of the {n} {w} of {m}?", "On which date is the {n} {w} of {m}?"))
        told_text = f"{ask.format(n=which, w=_WEEKDAYS[wanted], m=month)} {_DATE}"
        reference = (matching[-1] if number == 5 else matching[number - 1]).isoformat()
        key = (known, which, wanted, month)
    else:
        day, wanted = draws.between(1, 31), draws.between(0, 6)
        found = sum(
            (first + timedelta(days=day - 1)).month == month and (first + timedelta(days=day - 1)).weekday() == wanted
            for month in range(1, 13)
            for first in (date(other.year, month, 1),)
        )
        ask = draws.pick(
            ("In how many months of {y} is day {d} a {w}?", "How often is day {d} of a month a {w} in {y}?")
        )
        told_text = f"{ask.format(y=other.year, d=day, w=_WEEKDAYS[wanted])} {INTEGER}"
        reference, key = str(found), (other.year, day, wanted)
        anchor = ""
    return Draft("weekday", f"In the Gregorian calendar: {anchor}{told_text}", reference, (sort, key))


def date_after(draws: Draws, level: int) -> Draft:
    """The date some days, weeks or business days after or before another; from level 4 on with holidays."""
    start, told = _date(draws, level), draws.pick(_STYLES)
    back = level > 1 and draws.chance(1, 2)
    way = "before" if back else "after"
    if level < 3 or draws.chance(1, 4):
        weeks, days = draws.between(2, 10 * level), draws.between(1, 6 + 20 * level) if level > 1 else 0
        far = f"{weeks} weeks and {days} days" if days else f"{weeks} weeks"
        end = start + timedelta(days=7 * weeks + days) * (-1 if back else 1)
        ask = draws.pick(("Which date is {f} {w} {d}?", "What is the date {f} {w} {d}?"))
        text = f"In the Gregorian calendar: {ask.format(f=far, w=way, d=told(start))} {_DATE}"
        return Draft("date-after", text, end.isoformat(), (start, weeks, days, back))
    count = draws.between(5, 15 * (level - 2) + 10)
    near = [start + timedelta(days=n * (-1 if back else 1)) for n in range(1, count * 7 // 5)]
    holidays = sorted(draws.sample(near, min(level - 2, len(near)))) if level > 3 else []
    end, left = start, count
    while left:
        end += timedelta(days=-1 if back else 1)
        left -= end.weekday() < 5 and end not in holidays
    rule = "Business days are Mondays to Fridays"
    if holidays:
        rule += f", except the holidays {', '.join(map(told, holidays[:-1]))} and {told(holidays[-1])}"
    ask = draws.pick(
        (
            "{d} is a {n}. Which date is {c} business days {w} it, the day itself not counted?",
            "From {d}, a {n}, {c} business days {w} are counted, without the day itself. Which date is reached?",
        )
    )
    asked = ask.format(d=told(start), n=_named(start), c=count, w=way)
    text = f"In the Gregorian calendar: {rule}. {asked} {_DATE}"
    return Draft("date-after", text, end.isoformat(), (start, count, back, tuple(holidays)))


def _last_day(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    last = _last_day(day.year + years, month + 1)
    return last.replace(day=min(day.day, last.day))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_ends(draws: Draws, level: int) -> Draft:
    """Leap years in a span, months added to a month's last days, and days from one month's end to another's."""
    told, start = draws.pick(_STYLES), _date(draws, level)
    sort = draws.between(0, min(level, 3))
    kept = "a day that the month reached does not have becomes that month's last day"
    if sort == 0:
        first = draws.between(1600, 2300)
        last = first + draws.between(5 * level, 40 * level)
        ask = draws.pick(
            (
                "How many leap years are there from {a} to {b}, both included?",
                "Count the leap years {a} to {b}, both included.",
            )
        )
        asked, reference = ask.format(a=first, b=last), str(sum(map(_is_leap, range(first, last + 1))))
        form, key = INTEGER, (first, last)
        return Draft("month-ends", f"In the Gregorian calendar: {asked} {form}", reference, (sort, key))
    last_day = _last_day(start.year, start.month)
    start = last_day - timedelta(days=draws.between(0, 2))
    months = draws.between(1, 10 * level)
    if sort == 1:
        ask = draws.pick(
            ("Which date is {n} months after {d}, when {k}?", "{n} months are added to {d}; {k}. Which date is it?")
        )
        asked, reference = ask.format(n=months, d=told(start), k=kept), _months_later(start, months).isoformat()
        return Draft("month-ends", f"In the Gregorian calendar: {asked} {_DATE}", reference, (sort, start, months))
    if sort == 2:
        end = _months_later(last_day.replace(day=1), months)
        end = _last_day(end.year, end.month)
        one, other = (f"{_MONTHS[day.month - 1]} {day.year}" for day in (last_day, end))
        ask = draws.pick(
            (
                "How many days after the last day of {a} is the last day of {b}?",
                "How many days pass from the last day of {a} to the last day of {b}?",
            )
        )
        text = f"In the Gregorian calendar: {ask.format(a=one, b=other)} {INTEGER}"
        return Draft("month-ends", text, str((end - last_day).days), (sort, one, other))
    more, days = draws.between(1, 10 * level), draws.between(1, 20 * level)
    end = _months_later(_months_later(start, months), more) + timedelta(days=days)
    ask = draws.pick(
        (
            "To {d} first {n} months are added, then {m} months, then {t} days; {k}. Which date comes out?",
            "A term of {n} months from {d} is prolonged by {m} months, then by {t} days; {k}. When does it end?",
        )
    )
    asked = ask.format(d=told(start), n=months, m=more, t=days, k=kept)
    return Draft(
        "month-ends", f"In the Gregorian calendar: {asked} {_DATE}", end.isoformat(), (sort, start, months, more, days)
    )


def _offset(minutes: int) -> str:
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def clocks(draws: Draws, level: int) -> Draft | None:
    """When something ends that goes past midnight; from level 2 on between places with stated offsets from UTC."""
    told, day = draws.pick(_STYLES), _date(draws, 1)
    begun = datetime(day.year, day.month, day.day, draws.between(12, 23), draws.between(0, 59), tzinfo=UTC)
    quarter = 60 if level < 4 else 15
    one, other = (draws.between(-11 * 60 // quarter, 13 * 60 // quarter) * quarter for _ in range(2))
    lasts, waits, second = (draws.between(45, 400 + 200 * level) for _ in range(3))
    start = f"{told(day)} at {begun:%H:%M}"
    if level == 1:
        end = begun + timedelta(minutes=lasts)
        ask = draws.pick(
            (
                "A shift begins on {s} and lasts {t}. When does it end?",
                "When is a trip over that begins on {s} and takes {t}?",
            )
        )
        asked = ask.format(s=start, t=_duration(lasts))
        return Draft(
            "clocks", f"{asked} All times are of one clock. {_DATE_AND_TIME}", f"{end:%Y-%m-%d %H:%M}", (begun, lasts)
        )
    if one == other:
        return None
    sort = 0 if level == 2 else draws.between(1, min(level - 1, 3))
    shift = timedelta(minutes=other - one)
    here, there = f"{start} in a place at {_offset(one)}", f"a place at {_offset(other)}"
    if sort == 0:
        ask = draws.pick(
            (
                "It is {h}. What is the date and time in {t}?",
                "A call is made on {h}. Which date and time is it then in {t}?",
            )
        )
        end, key = begun + shift, (begun, one, other)
        return Draft("clocks", f"{ask.format(h=here, t=there)} {_DATE_AND_TIME}", f"{end:%Y-%m-%d %H:%M}", (sort, key))
    if sort == 1:
        ask = draws.pick(
            (
                "A flight leaves on {h} and lands in {t} after {d}. What is the local date and time of landing?",
                "Somebody leaves on {h} and travels for {d} to {t}. Which local date and time is it on arrival?",
            )
        )
        end = begun + shift + timedelta(minutes=lasts)
        asked = ask.format(h=here, t=there, d=_duration(lasts))
        return Draft("clocks", f"{asked} {_DATE_AND_TIME}", f"{end:%Y-%m-%d %H:%M}", (sort, begun, one, other, lasts))
    if sort == 2:
        end = begun + shift + timedelta(minutes=lasts)
        ask = draws.pick(
            (
                "A flight leaves on {h} and lands on {e} in {t}. How many minutes does it take?",
                "How many minutes is a trip that begins on {h} and ends on {e} in {t}?",
            )
        )
        asked = ask.format(h=here, t=there, e=f"{told(end.date())} at {end:%H:%M}")
        return Draft(
            "clocks", f"{asked} Dates and times are local. {INTEGER}", str(lasts), (sort, begun, one, other, lasts)
        )
    end = begun + shift + timedelta(minutes=lasts + waits + second)
    ask = draws.pick(
        (
            (
                "A flight leaves on {h}, takes {a}, waits for {b}, "
                "and takes {c} more to {t}. When does it land there, in local time?"
            ),
            (
                "A parcel leaves on {h}. It travels for {a}, lies for {b}, and travels for {c} more to {t}. "
                "What is the local date and time then?"
            ),
        )
    )
    asked = ask.format(h=here, t=there, a=_duration(lasts), b=_duration(waits), c=_duration(second))
    whole = (sort, begun, one, other, lasts, waits, second)
    return Draft("clocks", f"{asked} {_DATE_AND_TIME}", f"{end:%Y-%m-%d %H:%M}", whole)


def _duration(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60} min"


def planet(draws: Draws, level: int) -> Draft:
    """An invented calendar: days between dates, a date some days later, or its day of the week."""
    months, days, week = draws.between(5, 9 + level), draws.between(11, 20 + 5 * level), draws.between(4, 9)
    every = draws.between(3, 6) if level > 2 else 0
    rule = f"On a planet a year has {months} months of {days} days each"
    if every:
        rule += f"; in years divisible by {every} the last month has one day more"
    year, month, day = draws.between(1, 300), draws.between(1, months), draws.between(1, days)

    def number(y: int, m: int, d: int) -> int:
        leaps = (y - 1) // every if every else 0
        return (y - 1) * months * days + leaps + (m - 1) * days + d

    far = draws.between(days + 1, months * days * (1 if level == 1 else level))
    # The date that many days later: the last year that begins before it, then the month.
    goal, later = number(year, month, day) + far, year
    while number(later + 1, 1, 1) <= goal:
        later += 1
    place = goal - number(later, 1, 1)
    to_month = min(place // days, months - 1)
    to_day = place - to_month * days + 1
    one, other = (
        f"day {d} of month {m} of year {y}" for y, m, d in ((year, month, day), (later, to_month + 1, to_day))
    )
    first = draws.between(1, week)
    sort = draws.between(0, 2)
    if sort == 0:
        ask = draws.pick(("Which date is {n} days after {a}?", "What is the date {n} days later than {a}?"))
        asked, form = ask.format(n=far, a=one), "Answer in the form year/month/day, such as 12/3/8."
        reference = f"{later}/{to_month + 1}/{to_day}"
    elif sort == 1:
        ask = draws.pick(("How many days after {a} is {b}?", "How many days pass from {a} to {b}?"))
        asked, form, reference = ask.format(a=one, b=other), INTEGER, str(far)
    else:
        rule += f". A week has {week} days, numbered from 1, and goes on across months and years"
        ask = draws.pick(
            (
                "The {a} is a day {f} of the week. Which day of the week is {b}?",
                "If {a} is a day {f} of the week, which one is {b}?",
            )
        )
        asked, form = ask.format(a=one, b=other, f=first), "Answer with the number of the day of the week."
        reference = str((first - 1 + far) % week + 1)
    key = (sort, months, days, every, year, month, day, far, (week, first) if sort == 2 else None)
    return Draft("planet", f"{rule}. {asked} {form}", reference, key)
