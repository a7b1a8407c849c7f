"""What a program's tree prints. Pure.

The control flow, scopes and calls are run here; numbers, strings, lists and dictionaries are Python's own.
A tree is made by a generator, never read from outside.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dearena.generators.python_tree import (
    Binary,
    Body,
    Call,
    Constant,
    Define,
    Do,
    Either,
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
)

MOST_STEPS: Final = 1_200
"""A program that takes more is none that anybody could read through."""

LARGEST: Final = 10**9
"""Of numbers: beyond it, reading becomes multiplying."""

LONGEST: Final = 200
"""Of strings, lists and dictionaries."""


class TooMuch(Exception):
    """The program takes too many steps, or makes too large values."""


_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
}

_BUILT_IN: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs,
    "dict": dict,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "range": range,
    "sorted": sorted,
    "str": str,
    "sum": sum,
}


class _Left(Exception):
    """A loop's body is left by `break` or `continue`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _Returned(Exception):
    """A function's body is left with its result."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def printed(body: Body) -> str:
    """What the program prints, without the last line's end.

    Raises:
        TooMuch: it takes more than MOST_STEPS, or a value becomes larger than LARGEST.
        Exception: the program itself fails, with the exception that Python raises.
    """
    machine = _Machine()
    machine.run(body, machine.globals)
    return "\n".join(machine.printed)


class _Machine:
    """Runs a tree: global names, functions, and what was printed so far."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {}
        self.printed: list[str] = []
        self._functions: dict[str, Define] = {}
        self._steps = 0

    def run(self, body: Sequence[Statement], names: dict[str, Any]) -> None:
        for statement in body:
            self._step()
            self._do(statement, names)

    def _do(self, statement: Statement, names: dict[str, Any]) -> None:  # noqa: C901, PLR0912 -- one for each sort
        match statement:
            case Set():
                self._set(statement, names)
            case Do(call):
                self._value(call, names)
            case If(condition, then, otherwise):
                self.run(then if self._value(condition, names) else otherwise, names)
            case For(name, over, body):
                for value in self._value(over, names):
                    names[name] = value
                    if self._leaves(body, names):
                        break
            case While(condition, body):
                while self._value(condition, names) and not self._leaves(body, names):
                    self._step()
            case Leave(word):
                raise _Left(word)
            case Define(name):
                self._functions[name] = statement
            case Return(value):
                raise _Returned(self._value(value, names))
            case Try(body, fault, caught, finally_):
                try:
                    self.run(body, names)
                except fault:
                    self.run(caught, names)
                finally:
                    self.run(finally_, names)

    def _leaves(self, body: Body, names: dict[str, Any]) -> bool:
        """Run a loop's body once; whether the loop ends with it."""
        try:
            self.run(body, names)
        except _Left as left:
            return left.word == "break"
        return False

    def _set(self, statement: Set, names: dict[str, Any]) -> None:
        held = self._value(statement.target, names) if statement.sign else None
        value = self._value(statement.value, names)
        if statement.sign == "+":
            held += value  # a list is lengthened in place, as every other name for it will tell
            value = held
        elif statement.sign:
            value = _SIGNS[statement.sign](held, value)
        _check_size(value)
        match statement.target:
            case Name(name):
                names[name] = value
            case Item(of, at):
                self._value(of, names)[self._value(at, names)] = value

    def _value(self, expression: Expression, names: dict[str, Any]) -> Any:  # noqa: PLR0911 -- one for each sort
        self._step()
        match expression:
            case Constant(value):
                return list(value) if isinstance(value, tuple) else value
            case Name(name):
                return names[name] if name in names else self.globals[name]
            case Binary(sign, left, right):
                return _check_size(_SIGNS[sign](self._value(left, names), self._value(right, names)))
            case Either(word, left, right):
                first = self._value(left, names)
                return self._value(right, names) if bool(first) == (word == "and") else first
            case Item(of, at):
                return self._value(of, names)[self._value(at, names)]
            case Part(of, start, stop, step):
                return self._value(of, names)[start:stop:step]
            case Call(name, arguments, on):
                holder = None if on is None else self._value(on, names)
                values = [self._value(argument, names) for argument in arguments]
                return _check_size(self._call(name, values) if on is None else getattr(holder, name)(*values))
            case Made(each, loops, condition):
                made: list[Any] = []
                self._make(each, loops, condition, dict(names), made)
                return made

    def _make(
        self,
        each: Expression,
        loops: tuple[tuple[str, Expression], ...],
        condition: Expression | None,
        names: dict[str, Any],
        made: list[Any],
    ) -> None:
        if not loops:
            if condition is None or self._value(condition, names):
                made.append(self._value(each, names))
            return
        name, over = loops[0]
        for value in self._value(over, names):
            self._make(each, loops[1:], condition, names | {name: value}, made)

    def _call(self, name: str, values: Sequence[Any]) -> Any:
        if name == "print":
            self.printed.append(" ".join(map(str, values)))
            return None
        if name in _BUILT_IN:
            return _BUILT_IN[name](*values)
        function = self._functions[name]
        try:
            self.run(function.body, dict(zip(function.parameters, values, strict=True)))
        except _Returned as returned:
            return returned.value
        return None

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuch


def _check_size(value: Any) -> Any:
    small = abs(value) <= LARGEST if isinstance(value, int) else True
    short = len(value) <= LONGEST if isinstance(value, str | list | dict) else True
    if not (small and short):
        raise TooMuch
    return value
