"""Expressions and statements that programs of several families are made of, drawn at random. Pure."""

from collections.abc import Sequence

from dearena.generators.draws import Draws
from dearena.generators.python_tree import Binary, Call, Constant, Either, Expression, Name, Set, Statement


def one_expression(draws: Draws, *expressions: Expression) -> Expression:
    """One of the expressions."""
    return draws.pick(expressions)


def one_statement(draws: Draws, *statements: Statement) -> Statement:
    """One of the statements."""
    return draws.pick(statements)


def range_of(*bounds: int) -> Call:
    """A `range` with these bounds."""
    return Call("range", tuple(map(Constant, bounds)))


def arithmetic(draws: Draws, names: Sequence[str], depth: int) -> Expression:
    """A sum, product or remainder of variables and small numbers; nothing is divided by 0."""
    if depth == 0:
        return Name(draws.pick(names)) if draws.chance(1, 2) else Constant(draws.between(1, 9))
    sign = draws.pick(("+", "-", "*", "+", "-", "%", "//"))
    left = Name(draws.pick(names)) if depth == 1 else arithmetic(draws, names, depth - 1)
    right = Constant(draws.between(2, 9)) if sign in {"%", "//"} else arithmetic(draws, names, 0)
    # What is taken from itself leaves nothing to read.
    return Binary(sign, left, Constant(draws.between(2, 9)) if right == left else right)


def condition(draws: Draws, names: Sequence[str], level: int) -> Expression:
    """A comparison of variables; from level 4 on, often two that are joined."""
    divisor = draws.between(2, 4)
    of = arithmetic(draws, names, 1) if level > 2 else Name(draws.pick(names))
    remainder = Binary("%", of, Constant(divisor))
    simple = one_expression(
        draws,
        Binary("==", remainder, Constant(draws.between(0, divisor - 1))),
        Binary(draws.pick(("<", ">", "<=", ">=")), Name(draws.pick(names)), Constant(draws.between(2, 12))),
    )
    if level < 4 or draws.chance(1, 2):
        return simple
    return Either(
        draws.pick(("and", "or")), simple, Binary("!=", Name(draws.pick(names)), Constant(draws.between(1, 9)))
    )


def update(draws: Draws, targets: Sequence[str], names: Sequence[str], level: int) -> Set:
    """One of the targets is set anew, or changed by what is added or taken away."""
    target = draws.pick(targets)
    if draws.chance(1, 2):
        return Set(Name(target), arithmetic(draws, names, min(2, level)))
    return Set(Name(target), arithmetic(draws, names, 1 if level > 1 else 0), draws.pick(("+", "-", "+")))
