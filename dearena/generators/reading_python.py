"""Reading Python: what a short program prints. The reference comes from running the program's tree. Pure."""

import keyword
import re
from collections.abc import Sequence
from typing import Final

from dearena.generators import python_run
from dearena.generators.draws import Draws
from dearena.generators.python_draws import arithmetic, condition, one_expression, one_statement, range_of, update
from dearena.generators.python_tree import (
    Binary,
    Body,
    Call,
    Constant,
    Define,
    Do,
    Expression,
    For,
    If,
    Item,
    Leave,
    Made,
    Name,
    Part,
    Return,
    Set,
    Statement,
    Try,
    While,
    program_text,
)
from dearena.generators.question import Draft, Kind

_NUMBERS: Final = ("a", "b", "m", "p", "q", "x", "y", "total", "score", "left", "width")
_LISTS: Final = ("parts", "row", "values", "stack", "data", "marks")
_TEXTS: Final = ("s", "word", "line", "text", "label")
_COUNTERS: Final = ("i", "j", "k", "n", "t", "step")
_FUNCTIONS: Final = ("f", "g", "h", "walk", "fold", "climb")
_LONGEST_ANSWER: Final = 120
_EMPTY: Final = frozenset(("", "[]", "{}", "0 0"))
"""Answers that would come too often."""

_KEPT: Final = frozenset(keyword.kwlist) | {
    *(
        "print",
        "range",
        "len",
        "sum",
        "max",
        "min",
        "sorted",
        "abs",
        "str",
        "int",
        "list",
        "dict",
        "append",
        "insert",
        "pop",
    ),
    *(
        "reverse",
        "sort",
        "extend",
        "count",
        "index",
        "get",
        "setdefault",
        "items",
        "keys",
        "upper",
        "lower",
        "swapcase",
    ),
    *("replace", "find", "join", "split", "ZeroDivisionError", "IndexError", "KeyError", "ValueError"),
}


def _question(draws: Draws, category: str, body: Sequence[Statement]) -> Draft | None:
    """The draft of a program, or None when it fails, runs long, or prints nothing fit for an answer."""
    program = tuple(body)
    try:
        reference = python_run.printed(program)
    except (python_run.TooMuch, ArithmeticError, LookupError, ValueError):
        return None
    if reference in _EMPTY or len(reference) > _LONGEST_ANSWER or reference != reference.strip():
        return None
    text = re.sub(r"\n\n+", "\n\n", program_text(program))
    ask = draws.pick(
        (
            "What does this Python 3 program print?",
            "Read the following Python 3 program and say what it prints.",
            "Which output does this Python 3 program have?",
        )
    )
    lines = reference.count("\n") + 1
    form = "Answer with the printed line only." if lines == 1 else f"Answer with the {lines} printed lines only."
    return Draft(category, f"{ask}\n\n```python\n{text}\n```\n\n{form}", reference, _without_names(text))


def _without_names(text: str) -> str:
    """The program whatever its variables are called: numbered in the order in which they come up."""
    found: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        word = match[0]
        if word.startswith("'") or word in _KEPT:
            return word
        return found.setdefault(word, f"v{len(found)}")

    return re.sub(r"'[^']*'|\b[A-Za-z_]+\b", number, text)


def _print(*values: Expression) -> Do:
    return Do(Call("print", values))


def loop(draws: Draws, level: int) -> Draft | None:
    """Numbers that change in a `for` or `while` loop with branches."""
    one, two = draws.sample(_NUMBERS, 2)
    counter = draws.pick(_COUNTERS)
    names = (one, two, counter)
    inner: list[Statement] = [update(draws, (one, two), names, level) for _ in range(1 + level // 3)]
    if level > 1:
        branch = If(
            condition(draws, names, level),
            (update(draws, (one, two), names, level),),
            (update(draws, (one, two), names, level),) if draws.chance(2, 3) else (),
        )
        inner.insert(draws.between(0, len(inner)), branch)
    start, rounds, stride = draws.between(0, 6), draws.between(2, 3 + level), draws.between(1, 3)
    body: list[Statement] = [Set(Name(name), Constant(draws.between(0, 12))) for name in (one, two)]
    if draws.chance(1, 2):
        body.append(For(counter, range_of(start, start + rounds * stride, stride), tuple(inner)))
    else:
        grow = Set(Name(counter), Constant(stride), "+")
        body += [
            Set(Name(counter), Constant(start)),
            While(Binary("<", Name(counter), Constant(start + rounds * stride)), (*inner, grow)),
        ]
    return _question(draws, "loop", [*body, _print(Name(one), Name(two))])


def nested_loops(draws: Draws, level: int) -> Draft | None:
    """A loop in a loop, which `continue` and `break` cut short."""
    total = draws.pick(_NUMBERS)
    outer, inner = draws.sample(_COUNTERS, 2)
    names = (outer, inner)
    steps: list[Statement] = [Set(Name(total), arithmetic(draws, names, min(2, level)), draws.pick(("+", "-", "+")))]
    for word in draws.sample(("continue", "break"), 1 if level < 3 else 2):
        known = (*names, total) if level > 3 else names
        steps.insert(draws.between(0, len(steps) - 1), If(condition(draws, known, level), (Leave(word),)))
    start = draws.between(0, 4)
    over = range_of(start, start + draws.between(2, 2 + level)) if draws.chance(1, 2) else Call("range", (Name(outer),))
    rows: list[Statement] = [For(inner, over, tuple(steps))]
    if level > 2:
        rows.append(update(draws, (total,), (outer, total), 1))
    body: list[Statement] = [
        Set(Name(total), Constant(draws.between(0, 30))),
        For(outer, range_of(draws.between(1, 3), draws.between(4, 5 + level)), tuple(rows)),
        _print(Name(total)),
    ]
    return _question(draws, "nested-loops", body)


def _list_step(draws: Draws, name: str, other: str, size: int) -> Statement:
    here, there = Name(name), Name(other)
    at, value = draws.between(-size + 1, size - 1), draws.between(0, 20)
    first, second = draws.between(0, size - 2), draws.between(1, size)
    return one_statement(
        draws,
        Do(Call("append", (Binary("+", Item(there, Constant(at)), Constant(value)),), here)),
        Do(Call("append", (Constant(value),), here)),
        Do(Call("insert", (Constant(draws.between(0, size)), Constant(value)), here)),
        Do(Call("append", (Call("pop", (Constant(draws.between(0, size - 2)),), here),), there)),
        Do(Call("reverse", (), here)),
        Do(Call("sort", (), here)),
        Do(Call("extend", (Part(there, first, first + 2),), here)),
        Set(Item(here, Constant(at)), Binary("-", Item(there, Constant(first)), Constant(value))),
        Set(here, Part(there, None, None, -1)),
        Set(here, Part(here, first, None)),
        Set(here, Binary("+", Part(here, second, None), Part(here, None, second))),
        Set(here, Part(here, None, None, 2)),
        Set(here, Part(there, None, -1), "+"),
        Set(there, here),
        Set(there, Part(here)),
        Set(here, Call("sorted", (there,))),
    )


def lists(draws: Draws, level: int) -> Draft | None:
    """One or two lists that are changed step by step; two names may be the same list."""
    one, two = draws.sample(_LISTS, 2)
    size = draws.between(4, 5)
    start = tuple(draws.between(0, 20) for _ in range(size))
    body: list[Statement] = [Set(Name(one), Constant(start))]
    if level == 1:
        two = one
    elif draws.chance(1, 2):
        body.append(Set(Name(two), Name(one)))
    else:
        body.append(Set(Name(two), Part(Name(one))))
    for _ in range(1 + level):
        here, there = draws.shuffled((one, two))
        body.append(_list_step(draws, here, there, size))
    shown = [Name(one)] if level == 1 else [Name(one), Name(two)]
    return _question(draws, "lists", [*body, _print(*shown)])


_SOUNDS: Final = (
    "ba",
    "co",
    "di",
    "el",
    "fu",
    "ga",
    "he",
    "il",
    "ko",
    "la",
    "mu",
    "ne",
    "or",
    "pi",
    "ru",
    "sa",
    "te",
    "vo",
)


def _word(draws: Draws, sounds: int) -> str:
    return "".join(draws.pick(_SOUNDS) for _ in range(sounds))


def _text_step(draws: Draws, name: str, letters: str) -> Statement:
    here = Name(name)
    cut = draws.between(1, len(letters) - 1)
    letter, new = draws.pick(letters), draws.pick(("x", "yz", "", "oo"))
    return Set(
        here,
        one_expression(
            draws,
            Part(here, None, None, -1),
            Part(here, None, None, 2),
            Part(here, 1, None, 2),
            Part(here, draws.between(0, 2), -draws.between(1, 2)),
            Binary("+", Part(here, cut, None), Part(here, None, cut)),
            Binary("+", Part(here, -2, None), here),
            Call("replace", (Constant(letter), Constant(new)), here),
            Call("upper", (), here),
            Call("swapcase", (), here),
            Binary("+", Item(here, Constant(-1)), Part(here, 1, None)),
            Binary("+", here, Call("str", (Call("len", (here,)),))),
            Binary("+", here, Call("str", (Call("count", (Constant(letter),), here),))),
            Call("join", (Call("sorted", (here,)),), Constant("")),
        ),
    )


def strings(draws: Draws, level: int) -> Draft | None:
    """A string that is cut, turned, replaced and joined; from level 3 also letter by letter in a loop."""
    name, made = draws.sample(_TEXTS, 2)
    word = _word(draws, 2 + draws.between(1, 2))
    body: list[Statement] = [Set(Name(name), Constant(word))]
    body += [_text_step(draws, name, word) for _ in range(level + (level < 3))]
    shown = name
    if level > 2:
        letter = Name(draws.pick(("c", "ch")))
        joined = (Binary("+", letter, Name(made)), Binary("+", Name(made), letter))
        first = draws.between(0, 1)
        chosen = "".join(draws.sample(sorted(set(word)), 2))
        branch = If(
            Binary("in", letter, Constant(chosen)),
            (Set(Name(made), joined[first]),),
            (Set(Name(made), Call(draws.pick(("upper", "lower")), (), joined[1 - first])),),
        )
        body += [Set(Name(made), Constant("")), For(letter.name, Name(name), (branch,))]
        shown = made
    return _question(draws, "strings", [*body, _print(Name(shown))])


def dictionaries(draws: Draws, level: int) -> Draft | None:
    """Counts and groups by key, in the order in which the keys came up."""
    table, value = draws.pick(("table", "seen", "d", "groups")), Name(draws.pick(_COUNTERS))
    numbers = tuple(draws.between(1, 30) for _ in range(4 + level))
    key: Expression = Binary(draws.pick(("%", "//")), value, Constant(draws.between(3, 7)))
    held = Call("get", (key, Constant(draws.between(0, 3))), Name(table))
    grouped = Do(Call("append", (value,), Call("setdefault", (key, Constant(())), Name(table))))
    counted = Set(
        Item(Name(table), key), Binary("+", held, one_expression(draws, value, Constant(draws.between(1, 4))))
    )
    chained = Set(Item(Name(table), key), Binary("-", value, held))
    step = one_statement(draws, *((counted, chained) if level == 1 else (counted, grouped, chained)))
    inner: Body = (step,)
    if level > 2:
        inner = (
            If(condition(draws, (value.name,), level), (step,), (Do(Call("pop", (key, Constant(None)), Name(table))),)),
        )
    body: list[Statement] = [Set(Name(table), Call("dict", ())), For(value.name, Constant(numbers), inner)]
    if level > 3:
        doomed = Call("pop", (Call("min", (Name(table),)),), Name(table))
        body.append(_print(doomed, Call("len", (Name(table),))))
    shown = one_expression(
        draws, Name(table), Call("sorted", (Name(table),)), Call("list", (Call("items", (), Name(table)),))
    )
    return _question(draws, "dictionaries", [*body, _print(shown)])


def functions(draws: Draws, level: int) -> Draft | None:
    """A function that calls itself; from level 4 two that call each other."""
    one, two = draws.sample(_FUNCTIONS, 2)
    n = draws.pick(("n", "x", "k"))
    least = draws.between(1, 3)

    def smaller(name: str) -> Expression:
        sign = draws.pick(("-", "-", "//"))
        return Call(
            name, (Binary(sign, Name(n), Constant(draws.between(1, 3) if sign == "-" else draws.between(2, 3))),)
        )

    def rule(called: str) -> Expression:
        first = smaller(called)
        if level > 2 and draws.chance(1, 2):
            return Binary(draws.pick(("+", "-")), first, smaller(draws.pick((one, called))))
        return Binary(draws.pick(("+", "-", "+")), first, arithmetic(draws, (n,), min(level, 2)))

    def defined(name: str, called: str) -> Define:
        stop = If(Binary("<=", Name(n), Constant(least)), (Return(arithmetic(draws, (n,), 1 if level > 1 else 0)),))
        if level == 1:
            return Define(name, (n,), (stop, Return(rule(called))))
        fork = If(Binary("==", Binary("%", Name(n), Constant(2)), Constant(0)), (Return(rule(called)),))
        return Define(name, (n,), (stop, fork, Return(rule(called))))

    body: list[Statement] = [defined(one, two if level > 3 else one)]
    if level > 3:
        body.append(defined(two, one))
    calls = [Call(one, (Constant(draws.between(5, 10 + 2 * level)),)) for _ in range(1 if level < 3 else 2)]
    return _question(draws, "functions", [*body, _print(*calls)])


def comprehensions(draws: Draws, level: int) -> Draft | None:
    """Lists made in one expression, and what is made of them."""
    name = draws.pick(_LISTS)
    i, j = draws.sample(_COUNTERS, 2)
    low = draws.between(0, 5)
    loops: list[tuple[str, Expression]] = [(i, range_of(low, low + draws.between(4, 6 + level)))]
    names = [i]
    if level > 2:
        loops.append((j, Call("range", (Name(i),)) if draws.chance(1, 2) else range_of(1, draws.between(3, 4))))
        names.append(j)
    made = Made(arithmetic(draws, names, min(1 + level // 2, 3)), tuple(loops), condition(draws, names, level))
    body: list[Statement] = [Set(Name(name), made)]
    if level > 1:
        body.append(Set(Name(name), Made(arithmetic(draws, (i,), 1), ((i, Name(name)),), condition(draws, (i,), 1))))
    whole = Name(name)
    endings: tuple[list[Expression], ...] = (
        [whole],
        [Call("sum", (whole,)), Call("len", (whole,))],
        [Call("max", (whole,)), Call("min", (whole,))],
        [Part(Call("sorted", (whole,)), -3, None)],
        [Part(whole, None, None, -1)],
    )
    return _question(draws, "comprehensions", [*body, _print(*draws.pick(endings))])


def exceptions(draws: Draws, level: int) -> Draft | None:
    """Numbers that are divided and looked up; what fails is caught, and `finally` is done in any case."""
    total, data, value = draws.pick(_NUMBERS), draws.pick(_LISTS), draws.pick(_COUNTERS)
    numbers = tuple(draws.between(-3, 6) for _ in range(3 + level))
    risks: tuple[tuple[Expression, type[Exception]], ...] = (
        (Binary("//", Constant(draws.between(10, 60)), Name(value)), ZeroDivisionError),
        (Binary("%", Constant(draws.between(10, 60)), Binary("-", Name(value), Constant(1))), ZeroDivisionError),
        (Item(Name(data), Binary("+", Name(value), Constant(draws.between(1, 3)))), IndexError),
    )
    risky, fault = draws.pick(risks)
    tried: list[Statement] = [Set(Name(total), risky, draws.pick(("+", "-")))]
    if level > 1:
        tried.insert(draws.between(0, 1), Set(Name(total), arithmetic(draws, (value, total), 1 if level < 4 else 2)))
    caught = (update(draws, (total,), (value, total), 1),)
    last = (update(draws, (total,), (value, total), 1),) if level > 2 else ()
    body: list[Statement] = [
        Set(Name(data), Constant(numbers)),
        Set(Name(total), Constant(draws.between(0, 20))),
        For(value, Name(data), (Try(tuple(tried), fault, caught, last),)),
        _print(Name(total)),
    ]
    return _question(draws, "exceptions", body)


KIND: Final = Kind(
    slug="reading-python",
    version=1,
    families=(loop, nested_loops, lists, strings, dictionaries, functions, comprehensions, exceptions),
)
