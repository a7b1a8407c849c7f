"""How far attacks persuade a judge, as people read it."""

from io import StringIO
from itertools import permutations

from rich.console import Console, RenderableType

from dearena.cli import judges, persuasion
from dearena.client.persuasion import by_judge, persuaded, with_persuasion
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1 import scorer_pb2
from dearena.v1.common_pb2 import Money


def tried(*, questions: int = 4, corpus: int = 1, **more: int) -> pb.Persuasion:
    return pb.Persuasion(
        judge="gamma@1",
        template="pairwise@1",
        corpus=corpus,
        questions=questions,
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
    screen = Console(file=StringIO(), width=200)
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
    assert persuasion.told(persuaded(tried())) == "75 % (without 25 %)"
    assert persuasion.told(None) == persuasion.told(persuaded(pb.Persuasion())) == ""
    assert persuaded(tried(questions=1)).stands_on == "2 attacks, 1 question, corpus 1"


def test_the_report_on_judges_has_a_column_where_somebody_was_tried() -> None:
    report = scorer_pb2.GetJudgeReportResponse(
        judges=[scorer_pb2.JudgeReport(judge=judge, weight=1.0) for judge in ("beta@1", "gamma@1")]
    )
    with_trial = printed(judges.rendered("d", report, by_judge([tried()])))
    assert "persuaded" in with_trial
    line = next(line for line in with_trial.splitlines() if "gamma@1" in line)
    assert "75 % (without 25 %)" in line
    assert "2 attacks, 4 questions, corpus 1" in line
    assert "persuaded" not in printed(judges.rendered("d", report))
    assert "tried with" not in printed(judges.rendered("d", report))


def test_of_several_trials_the_widest_with_the_newest_corpus_is_told() -> None:
    small, wide, old = tried(corpus=2, questions=1), tried(corpus=2), tried(corpus=1, questions=8)
    few = tried(corpus=2, questions=8)
    del few.attacks[1:]
    old.attacks.add(attack="encoded-twice", readable=8)
    for order in permutations((small, wide, old, few)):
        assert by_judge(order)["gamma@1"].stands_on == "2 attacks, 4 questions, corpus 2"


def test_json_has_of_each_judge_how_far_it_was_persuaded() -> None:
    report = scorer_pb2.GetJudgeReportResponse(
        board_version=7, judges=[scorer_pb2.JudgeReport(judge=judge, weight=1.0) for judge in ("beta@1", "gamma@1")]
    )
    told = with_persuasion(report, [tried()])
    beta, gamma = told["judges"]
    assert (told["board_version"], gamma["weight"], beta["persuasion"]) == (7, 1.0, None)
    share = gamma["persuasion"].pop("persuaded")
    assert (share["value"], round(share["low"], 2), round(share["high"], 2)) == (0.75, 0.55, 0.88)
    assert gamma["persuasion"].pop("without")["value"] == 0.25
    assert gamma["persuasion"] == {"corpus": 1, "attacks": 2, "questions": 4, "verdicts": 24}
