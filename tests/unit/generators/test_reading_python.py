"""Reading Python: each program is run by a Python of its own, shut in, and must print the reference."""

import ast
import builtins
import json
import re
import resource
import subprocess
import sys
from collections.abc import Hashable, Sequence
from dataclasses import replace

import pytest

from dearena.generators import GeneratedQuestion, generate, python_run
from dearena.generators.python_tree import (
    Binary,
    Call,
    Constant,
    Do,
    Either,
    Expression,
    For,
    If,
    Leave,
    Name,
    Part,
    Set,
    While,
    program_text,
)
from tests.unit.generators.pools import check_pool, ten_thousand

SECONDS = 60
BYTES = 512 << 20

RUNNER = """
import contextlib, io, json, sys
for line in sys.stdin:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(json.loads(line), "program", "exec"), {})
    print(json.dumps(shown.getvalue()))
"""


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def outputs(programs: Sequence[str]) -> list[str]:
    """What the programs print, one after the other in one interpreter without site packages and environment."""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNNER],
        input="".join(f"{json.dumps(program)}\n" for program in programs),
        capture_output=True,
        text=True,
        env={},
        preexec_fn=limit,
        timeout=2 * SECONDS,
        check=True,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def program_in(question: GeneratedQuestion) -> str:
    [program] = re.findall(r"```python\n(.*?)\n```", question.text, re.DOTALL)
    return str(program)


def shape(question: GeneratedQuestion) -> Hashable:
    """The program's syntax tree, with its own names numbered as they come up."""
    tree = ast.parse(program_in(question))
    own: dict[str, str] = {}

    def number(name: str) -> str:
        return name if hasattr(builtins, name) else own.setdefault(name, f"v{len(own)}")

    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = number(node.id)
        elif isinstance(node, ast.FunctionDef):
            node.name = number(node.name)
        elif isinstance(node, ast.arg):
            node.arg = number(node.arg)
    return ast.dump(tree)


CATEGORIES = (
    "loop",
    "nested-loops",
    "lists",
    "strings",
    "dictionaries",
    "functions",
    "comprehensions",
    "exceptions",
)


def test_ten_thousand_programs_print_their_references() -> None:
    pool = ten_thousand("reading-python")
    printed = outputs([program_in(question) for question in pool])
    wrong = [q for q, shown in zip(pool, printed, strict=True) if shown != q.reference + "\n"]
    assert not wrong


def test_no_program_comes_twice_under_other_names() -> None:
    check_pool("reading-python", dict.fromkeys(CATEGORIES, shape))


def test_another_programs_output_is_not_taken_for_this_ones() -> None:
    one, other = generate("reading-python", 2, seed=1)
    [shown] = outputs([program_in(one)])
    assert shown == one.reference + "\n" != replace(one, reference=other.reference).reference + "\n"


def test_lines_are_counted_in_the_question() -> None:
    for question in generate("reading-python", 1_000, seed=2):
        lines = len(question.reference.splitlines())
        told = "the printed line only" if lines == 1 else f"the {lines} printed lines only"
        assert question.text.endswith(f"Answer with {told}.")


N, K = Name("n"), Name("k")


@pytest.mark.parametrize(
    "expression",
    [
        Binary("-", Constant(7), Binary("-", Constant(3), Constant(1))),
        Binary("*", Binary("+", Constant(2), Constant(3)), Constant(4)),
        Binary("-", Binary("*", Constant(2), Constant(3)), Constant(-4)),
        Binary("%", Constant(-7), Constant(3)),
        Binary("//", Constant(-7), Binary("*", Constant(2), Constant(1))),
        Binary("==", Binary("<", Constant(1), Constant(2)), Constant(value=True)),
        Either(
            "or",
            Binary("==", Constant(1), Constant(1)),
            Binary("==", Binary("//", Constant(1), Constant(0)), Constant(1)),
        ),
        Part(Binary("+", Constant("abc"), Constant("def")), 1, -1, 2),
        Call("upper", (), Binary("+", Constant("a"), Constant("b"))),
        Call("join", (Call("sorted", (Constant("cab"),)),), Constant("-")),
    ],
)
def test_brackets_stand_where_the_tree_needs_them(expression: Expression) -> None:
    program = (Do(Call("print", (expression,))),)
    assert outputs([program_text(program)]) == [python_run.printed(program) + "\n"]


def test_two_names_of_one_list_see_each_others_changes() -> None:
    program = (
        Set(N, Constant((1, 2))),
        Set(K, N),
        Set(N, Constant((3,)), "+"),
        Do(Call("print", (K,))),
    )
    assert python_run.printed(program) == "[1, 2, 3]"
    assert outputs([program_text(program)]) == ["[1, 2, 3]\n"]


def test_a_break_leaves_the_inner_loop_only() -> None:
    inner = For(
        "k", Constant((1, 2, 3)), (If(Binary("==", K, Constant(2)), (Leave("break"),)), Do(Call("print", (N, K))))
    )
    program = (For("n", Constant((7, 8)), (inner,)),)
    assert python_run.printed(program) == "7 1\n8 1"
    assert outputs([program_text(program)]) == ["7 1\n8 1\n"]


def test_a_program_without_end_is_given_up() -> None:
    with pytest.raises(python_run.TooMuch):
        python_run.printed((While(Constant(value=True), (Set(N, Constant(1)),)),))


def test_a_number_that_grows_too_large_is_given_up() -> None:
    grow = For("k", Constant((1,) * 20), (Set(N, Binary("*", N, N)),))
    with pytest.raises(python_run.TooMuch):
        python_run.printed((Set(N, Constant(9)), grow))
