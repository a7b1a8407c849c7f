"""What a person sees."""

import io

from rich.console import Console, RenderableType

from dearena.cli import dimension, doctor, insertions, leaderboard, models, progress
from dearena.cli.machine import Check
from dearena.client.declared import DEFAULT_RANKING
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2, ranker_pb2, scorer_pb2


def seen(thing: RenderableType, *, terminal: bool = False) -> str:
    screen = Console(file=io.StringIO(), width=140, force_terminal=terminal, markup=False, highlight=False)
    screen.print(thing)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def row_of(text: str, start: str) -> str:
    """The line that begins with `start`, with single spaces."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return " ".join(line.split())


BOARD = scorer_pb2.Board(
    dimension="projects/default/dimensions/algebra",
    dimension_version=2,
    board_version=17,
    board_digest="3f2a9c0b7d11aa",
    settled=True,
    connected=True,
    rows=[
        scorer_pb2.BoardRow(
            model="kappa@1",
            rank=1,
            rank_low=1,
            rank_high=3,
            group=1,
            part=1,
            rating=1183.4,
            rating_low=1150.2,
            rating_high=1216.6,
            score=74.16,
            votes=1230,
            wins=760.5,
            judge_weight=98_304,
        ),
        scorer_pb2.BoardRow(model="lambda@2", rating=816.6, votes=1230, part=1, retired=True),
    ],
    effective_votes=204.4,
    settings=scorer_pb2.ScoringSettings(weighting="score", ties="half", flips="leave", confidence=0.9),
    clusters=scorer_pb2.VoteClusters(questions=24, judges=12, method="question and judge", sampled=1, degrees=11),
    outcomes=scorer_pb2.OutcomeCounts(a=310, b=290, tie=12, flip=60),
    judge_calls=2480,
    judge_cost=common_pb2.Money(currency="USD", nano_units=124_000_000),
)


def test_a_board_shows_who_stands_where_how_sure_that_is_and_what_it_cost() -> None:
    text = seen(leaderboard.rendered(BOARD))
    assert "algebra · version 2 · board 17 · 2 models · 3f2a9c0b7d11" in text
    assert row_of(text, "1 ") == "1 (1-3) 1 kappa@1 1183 1150 to 1217 74.2 1,230 760.5 1.50"
    assert row_of(text, "retired").startswith("retired lambda@2 ")
    assert "votes: A 310 · B 290 · TIE 12 · FLIP 60 · worth 204 independent ones" in text
    assert "90 % interval" in text
    assert "weights score · ties half · flips leave · 24 questions · 12 judges" in text
    assert "judge calls: 2,480 · cost: USD 0.12" in text
    assert "note:" not in text


def noted(**changes: object) -> str:
    """The same board, but for some of its fields."""
    board = scorer_pb2.Board()
    board.CopyFrom(BOARD)
    for name, value in changes.items():
        setattr(board, name, value)
    return seen(leaderboard.rendered(board))


def test_a_board_in_the_making_says_so() -> None:
    assert "board 17 (not settled)" in noted(settled=False)


def test_a_board_says_what_must_be_known_of_it() -> None:
    assert "note: the judge weights did not come to rest in 40 fits: they still move by 0.5" in noted(
        weight_residual=32_768, weight_iterations=40
    )
    assert "note: some models never lost to any of the others" in noted(unbounded=True)
    assert "note: not connected by votes: ranks between parts" in noted(connected=False)


def test_a_board_in_parts_names_them() -> None:
    board = scorer_pb2.Board()
    board.CopyFrom(BOARD)
    board.connected = False
    board.rows[1].part = 2
    board.rows.add(model="mu@1", rank=2, part=2, votes=3, undefeated=True)
    board.rows.add(model="nu@1", rank=3, part=3)
    board.rows.add(model="xi@1", rank=4, part=2, votes=9, winless=True)
    board.clusters.judges, board.clusters.sampled = 3, 4
    text = seen(leaderboard.rendered(board))
    assert "no vote joins these 2 parts, ranks between them mean nothing: lambda@2, mu@1, xi@1; kappa@1\n" in text
    assert "note: without a vote that counts, and last for that: nu@1\n" in text
    assert "note: never lost, so that only the prior bounds the strength: mu@1\n" in text
    assert "note: never won, so that only the prior bounds the strength: xi@1\n" in text
    assert "note: only 3 judges: intervals are rough, however wide\n" in text
    assert "looked at in one of 4 places" in text


def test_a_board_of_an_earlier_time_is_shown_with_what_was_kept() -> None:
    old = scorer_pb2.Board(
        board_version=3,
        settled=True,
        connected=True,
        rows=[scorer_pb2.BoardRow(model="kappa@1", rank=1, votes=4, rating=1000)],
        outcomes=scorer_pb2.OutcomeCounts(a=4),
    )
    text = seen(leaderboard.rendered(old))
    assert row_of(text, "1 ").startswith("1 kappa@1 1000 ")
    assert "95 % interval" in text
    assert "group" not in text
    assert "worth" not in text
    assert "note:" not in text


def step(
    model: str, phase: ranker_pb2.InsertionPhase.ValueType, why: str = "", **fields: object
) -> ranker_pb2.WatchInsertionResponse:
    insertion = ranker_pb2.Insertion(model=model, phase=phase)
    for name, value in fields.items():
        setattr(insertion, name, value)
    return ranker_pb2.WatchInsertionResponse(insertion=insertion, why=why)


def test_a_watcher_sees_where_each_newcomer_is_and_why() -> None:
    shown = progress.Progress()
    shown.take(step("alpha@1", ranker_pb2.INSERTION_PHASE_SETTLED, "rests at place 3", rank=3, judge_calls=192))
    shown.take(step("beta@1", ranker_pb2.INSERTION_PHASE_COARSE, "is admitted", high=4, cells_total=96))
    shown.take(step("beta@1", ranker_pb2.INSERTION_PHASE_COARSE, high=4, cells_total=96, cells_done=40, judge_calls=80))
    for terminal in (False, True):
        text = seen(shown.rendered(), terminal=terminal)
        assert row_of(text, "alpha@1 ").startswith("alpha@1 settled place 3 ")
        assert row_of(text, "beta@1 ").startswith("beta@1 coarse places 1 to 5 40/96 ")
        assert "alpha@1: rests at place 3" in text
        assert "beta@1: is admitted" in text


def test_a_screen_does_not_grow_without_end() -> None:
    shown = progress.Progress()
    for number in range(200):
        shown.take(step(f"model-{number}@1", ranker_pb2.INSERTION_PHASE_SETTLED, "rests", rank=1))
    text = seen(shown.rendered())
    assert len(text.splitlines()) < 20
    assert "model-199@1" in text


def test_a_step_on_one_line() -> None:
    told = step(
        "beta@1",
        ranker_pb2.INSERTION_PHASE_FINE,
        "slides up: beats gamma@1 83.5 : 12.5",
        low=2,
        high=2,
        cells_total=96,
        cells_done=96,
        judge_calls=1_920,
        waiting_reason="WAITING(judge paused)",
    )
    told.insertion.cost.MergeFrom(common_pb2.Money(currency="USD", nano_units=12_000_000))
    assert progress.line(told) == (
        "beta@1 fine · place 3 · 96/96 cells · 1,920 calls · USD 0.012 · WAITING(judge paused) · "
        "slides up: beats gamma@1 83.5 : 12.5"
    )


def test_models_are_shown_with_what_is_asked_most() -> None:
    model = gateway_pb2.Model(
        name="projects/default/models/kappa",
        display_name="Kappa [7B]",
        revision=2,
        state=gateway_pb2.MODEL_STATE_WAITING_FOR_BUS,
        endpoint=gateway_pb2.Endpoint(base_url="http://127.0.0.1:8000/v1", upstream_model="kappa-7b"),
        may_judge=False,
    )
    text = seen(models.table([model]))
    assert "kappa@2" in text
    assert "Kappa [7B]" in text
    assert "waiting for bus" in text
    assert text.rstrip().endswith("no")


def test_a_model_whose_endpoint_has_changed_says_so() -> None:
    model = gateway_pb2.Model(
        name="projects/default/models/kappa",
        revision=1,
        state=gateway_pb2.MODEL_STATE_ACTIVE,
        drift_detail="fingerprint fp_1 is now fp_2",
    )
    assert "has changed: fingerprint fp_1 is now fp_2" in " ".join(seen(models.table([model])).split())


def test_a_dimension_is_shown_with_how_it_is_ranked() -> None:
    ranking = query_selector_pb2.RankingSettings()
    ranking.CopyFrom(DEFAULT_RANKING)
    made = query_selector_pb2.Dimension(
        name="projects/default/dimensions/algebra", state=query_selector_pb2.DIMENSION_STATE_READY, ranking=ranking
    )
    text = seen(dimension.settings(made))
    assert row_of(text, "jury") == "jury sequential"
    assert row_of(text, "error") == "error 0.05"
    assert row_of(text, "cap") == "cap 40 outcomes a pair"
    assert row_of(text, "seats") == "seats both"
    assert row_of(text, "rounds") == "rounds at most 24 an insertion"
    assert row_of(text, "canaries") == "canaries one with every 20 votes of a judge"
    assert "target" not in text
    made.ranking.target_calls = 5_000
    made.ranking.target_rank_width = 3
    made.ranking.target_cost.MergeFrom(common_pb2.Money(currency="USD", nano_units=500_000_000))
    made.ranking.seats = common_pb2.SEAT_POLICY_SINGLE
    text = seen(dimension.settings(made))
    assert row_of(text, "target calls") == "target calls 5,000 an insertion"
    assert row_of(text, "target width") == "target width 3 places"
    assert row_of(text, "target cost") == "target cost 0.50 USD an insertion"
    assert row_of(text, "seats") == "seats single"
    assert "famil" not in text
    made.judging.exclude_family = True
    text = seen(dimension.settings(made, ["alpha@1", "beta@1"]))
    assert row_of(text, "families") == "families no model judges its own"
    assert row_of(text, "of no family") == "of no family alpha@1, beta@1: kept from nobody"


def test_dimensions_and_insertions_are_shown() -> None:
    made = query_selector_pb2.Dimension(
        name="projects/default/dimensions/algebra",
        state=query_selector_pb2.DIMENSION_STATE_READY,
        query_count=24,
        pool_size=1_200,
        selection=query_selector_pb2.Selection(method="random", seed=7),
    )
    assert row_of(seen(dimension.table([made])), "algebra") == "algebra ready 24 1,200 random, seed 7 0"
    inserted = ranker_pb2.Insertion(
        model="beta@1", phase=ranker_pb2.INSERTION_PHASE_FINE, low=2, high=2, cells_total=96, rounds=[3, 4], slides=1
    )
    assert row_of(seen(insertions.table([inserted])), "beta@1") == "beta@1 fine place 3 0/96 1 2 0 0"


def test_a_remedy_is_shown_where_it_is_needed_only() -> None:
    checks = [
        Check("glibc", ok=True, found="glibc 2.36", remedy="use Debian 12"),
        Check("mongod", ok=False, found="missing", remedy="make setup"),
    ]
    text = seen(doctor.table(checks))
    assert row_of(text, "ok") == "ok glibc glibc 2.36"
    assert row_of(text, "MISSING") == "MISSING mongod missing"
    assert "make setup" in text
    assert "Debian" not in text
