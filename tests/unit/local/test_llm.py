"""What is said at the end of a run with real models."""

import json

from rich.console import Console

from dearena.local import llm
from dearena.local.llm import Ranked
from dearena.local.llm_report import Verdicts
from dearena.local.real_models import REAL_MODELS
from dearena.v1 import scorer_pb2
from dearena.v1.judge_dispatcher_pb2 import AttackResult, Persuasion

SMOLLM2, GEMMA = (f"{model.slug}@1" for model in REAL_MODELS)
SAID = {
    "amber@1": Verdicts(first=10, second=10, unreadable=5),
    SMOLLM2: Verdicts(first=20, tokens=900, seconds=40),
    GEMMA: Verdicts(first=16, second=1, unreadable=2, missing=1, tokens=1600, seconds=60),
}
TRIAL = Persuasion(judge=SMOLLM2, attacks=[AttackResult(attack="authority", readable=6, persuaded=3)], judge_calls=8)


def ranked() -> Ranked:
    return Ranked(
        board=scorer_pb2.Board(rows=[scorer_pb2.BoardRow(model=judge) for judge in SAID]),
        report=scorer_pb2.GetJudgeReportResponse(),
        said=SAID,
        usable={SMOLLM2: 10, GEMMA: 9},
        tried={SMOLLM2: TRIAL},
        seconds={"start": 5, "ranking": 100.26, "attacks": 30},
    )


def lines() -> list[str]:
    screen = Console(width=200)
    with screen.capture() as capture:
        screen.print(*llm.told(ranked()), sep="\n")
    return capture.get().splitlines()


def test_only_a_real_judge_that_can_hardly_be_read_is_noted() -> None:
    notes = [line for line in lines() if "could be read" in line]
    assert notes == [f"note: {GEMMA} could be read in 85 % of its calls only"]


def test_a_trial_that_was_late_is_said_to_be_late() -> None:
    assert [line for line in lines() if "not over within" in line] == [
        f"note: the trial of {GEMMA} was not over within 300 s"
    ]
    assert any("50 % (19 to 81)" in line for line in lines())


def test_calls_answers_and_time_are_counted_at_the_end() -> None:
    assert lines()[-3:] == [
        f"usable answers of the real models: {SMOLLM2} 10 of 10, {GEMMA} 9 of 10",
        "judge calls: 65, of them by real models: 40",
        "wall time: 5 s to start, 100 s to answer and rank, 30 s to try attacks",
    ]


def test_the_same_is_there_for_programs() -> None:
    found = json.loads(json.dumps(llm.summary(ranked())))
    assert found["judge_calls"] == 65
    assert found["real_models"] == sorted([SMOLLM2, GEMMA])
    assert found["judges"][GEMMA]["share_readable"] == 0.85
    assert found["judges"][SMOLLM2]["share_first"] == 1
    assert [trial["judge"] for trial in found["attacks"]] == [SMOLLM2]
    assert found["seconds"]["ranking"] == 100.3
