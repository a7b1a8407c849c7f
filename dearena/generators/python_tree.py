"""A small part of Python as a tree, and how a program is written down. Pure.

`python_run` knows what a tree prints.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a string, True, False or None; a tuple of them is a list, which is made anew each time."""

    value: int | str | bool | tuple[int | str, ...] | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """An operation on two values: arithmetic, comparison, `in`."""

    sign: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Either:
    """`and` or `or`: the right side is looked at only when the left one leaves it open."""

    word: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list, string or dictionary."""

    of: "Expression"
    at: "Expression"


@dataclass(frozen=True, slots=True)
class Part:
    """A slice; None is left out."""

    of: "Expression"
    start: int | None = None
    stop: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name, or a method of `on`."""

    name: str
    arguments: tuple["Expression", ...] = ()
    on: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Made:
    """A list comprehension with one or two loops."""

    each: "Expression"
    loops: tuple[tuple[str, "Expression"], ...]
    condition: "Expression | None" = None


Expression = Constant | Name | Binary | Either | Item | Part | Call | Made


@dataclass(frozen=True, slots=True)
class Set:
    """An assignment to a variable or an element; `sign` makes it an augmented one."""

    target: Name | Item
    value: Expression
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Do:
    """A call for its effect."""

    call: Call


@dataclass(frozen=True, slots=True)
class If:
    """A branch."""

    condition: Expression
    then: "Body"
    otherwise: "Body" = ()


@dataclass(frozen=True, slots=True)
class For:
    """A loop over values."""

    name: str
    over: Expression
    body: "Body"


@dataclass(frozen=True, slots=True)
class While:
    """A loop as long as a condition holds."""

    condition: Expression
    body: "Body"


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue`."""

    word: str


@dataclass(frozen=True, slots=True)
class Define:
    """A function."""

    name: str
    parameters: tuple[str, ...]
    body: "Body"


@dataclass(frozen=True, slots=True)
class Return:
    """A function's result."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Try:
    """What is done when an exception of a built-in type comes up, and in any case."""

    body: "Body"
    fault: type[Exception]
    caught: "Body"
    finally_: "Body" = ()


Statement = Set | Do | If | For | While | Leave | Define | Return | Try
Body = tuple[Statement, ...]


def written(expression: Expression) -> str:  # noqa: PLR0911 -- one line for each sort
    """The expression as Python."""
    match expression:
        case Constant(value):
            return repr(list(value) if isinstance(value, tuple) else value)
        case Name(name):
            return name
        case Binary(sign, left, right) | Either(sign, left, right):
            rank = _RANK[sign]
            either = isinstance(expression, Either)
            return f"{_operand(left, rank + (rank == _RANK['==']))} {sign} {_operand(right, rank + (not either))}"
        case Item(of, at):
            return f"{_operand(of)}[{written(at)}]"
        case Part(of, start, stop, step):
            shown = ["" if bound is None else str(bound) for bound in (start, stop)]
            return f"{_operand(of)}[{':'.join(shown if step is None else [*shown, str(step)])}]"
        case Call(name, arguments, on):
            return f"{'' if on is None else _operand(on) + '.'}{name}({', '.join(map(written, arguments))})"
        case Made(each, loops, condition):
            told = "".join(f" for {name} in {written(over)}" for name, over in loops)
            return f"[{written(each)}{told}{'' if condition is None else ' if ' + written(condition)}]"


_RANK: Final = {
    **dict.fromkeys(("and", "or"), 0),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 1),
    **dict.fromkeys(("+", "-"), 2),
    **dict.fromkeys(("*", "//", "%"), 3),
}
"""How closely an operation binds. A right side that binds no closer is put in brackets, since Python goes from
left to right, and so is a comparison that is compared; `and` and `or` are never mixed."""

_CLOSEST: Final = 4


def _operand(expression: Expression, rank: int = _CLOSEST) -> str:
    text = written(expression)
    match expression:
        case Binary(sign) | Either(sign):
            return f"({text})" if _RANK[sign] < rank else text
        case Constant(int()) if text.startswith("-"):
            return f"({text})"
    return text


def program_text(body: Body, indent: str = "") -> str:
    """The program as Python, a line each statement."""
    lines: list[str] = []
    for statement in body:
        for line in _lines(statement):
            lines.append(indent + line)  # noqa: PERF401 -- two loops in one expression read worse
    return "\n".join(lines)


def _lines(statement: Statement) -> list[str]:  # noqa: PLR0911 -- one line for each sort
    match statement:
        case Set(target, value, sign):
            return [f"{written(target)} {sign}= {written(value)}"]
        case Do(call):
            return [written(call)]
        case If(condition, then, otherwise):
            return [f"if {written(condition)}:", *_block(then), *(["else:", *_block(otherwise)] if otherwise else [])]
        case For(name, over, inner):
            return [f"for {name} in {written(over)}:", *_block(inner)]
        case While(condition, inner):
            return [f"while {written(condition)}:", *_block(inner)]
        case Leave(word):
            return [word]
        case Define(name, parameters, inner):
            return [f"def {name}({', '.join(parameters)}):", *_block(inner), ""]
        case Return(value):
            return [f"return {written(value)}"]
        case Try(inner, fault, caught, finally_):
            last = ["finally:", *_block(finally_)] if finally_ else []
            return ["try:", *_block(inner), f"except {fault.__name__}:", *_block(caught), *last]


def _block(body: Body) -> list[str]:
    return [f"    {line}" for line in program_text(body).split("\n")]
