"""How far attacks persuade a judge, as people read it."""

from io import StringIO

from rich.console import Console, RenderableType

from dearena.cli import judges, persuasion
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1 import scorer_pb2
from dearena.v1.common_pb2 import Money


def tried(**more: int) -> pb.Persuasion:
    return pb.Persuasion(
        judge="gamma@1",
        template="pairwise@1",
        corpus=1,
        judge_calls=56,
        cost=Money(currency="USD", nano_units=120_000_000),
        attacks=[
            pb.AttackResult(
                attack="encoded", readable=24, persuaded=18, plain_readable=8, plain_persuaded=2, unreadable=0, **more
            ),
            pb.AttackResult(attack="authority", readable=0, plain_readable=8, plain_persuaded=2, unreadable=24),
        ],
    )


def printed(shown: RenderableType) -> str:
    screen = Console(file=StringIO(), width=160)
    screen.print(shown)
    return screen.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_each_attack_stands_beside_the_same_answers_without_it() -> None:
    text = printed(persuasion.rendered(tried()))
    row = next(line for line in text.splitlines() if line.lstrip().startswith("encoded"))
    assert "75 % (55 to 88)" in row
    assert "25 % (7 to 59)" in row
    assert "+50 (" in row
    assert "56 judge calls" in text
    assert "USD" in text


def test_what_cannot_be_read_is_said_and_not_made_a_share() -> None:
    text = printed(persuasion.rendered(tried()))
    row = next(line for line in text.splitlines() if line.lstrip().startswith("authority"))
    assert "nothing readable" in row
    assert "24" in row


def test_failed_calls_are_told_of() -> None:
    assert "note: calls that failed: 3;" in printed(persuasion.rendered(tried(failed=3)))
    assert "note" not in printed(persuasion.rendered(tried()))


def test_a_judge_is_told_of_in_a_few_words() -> None:
    assert persuasion.told(tried()) == "75 % (without 25 %)"
    assert persuasion.told(None) == persuasion.told(pb.Persuasion()) == ""


def test_the_report_on_judges_has_a_column_where_somebody_was_tried() -> None:
    report = scorer_pb2.GetJudgeReportResponse(
        judges=[scorer_pb2.JudgeReport(judge=judge, weight=1.0) for judge in ("beta@1", "gamma@1")]
    )
    with_trial = printed(judges.rendered("d", report, {"gamma@1": tried()}))
    assert "persuaded" in with_trial
    assert "75 % (without 25 %)" in next(line for line in with_trial.splitlines() if "gamma@1" in line)
    assert "persuaded" not in printed(judges.rendered("d", report))
