"""`dearena quote`: what it rests on, offline and by the records of an arena."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from dearena.cli import quoted
from dearena.cli.quote import quote as command
from dearena.cli.quote import rendered
from dearena.cli.quoted import of_dimension
from dearena.cli.quoted_usage import Assumed
from dearena.client import ArenaClient
from dearena.faults import InvalidField, NotReady, UnknownModel
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.ranking_rules import rules_of
from dearena.trials.newcomers import Taken
from dearena.trials.quote import CallPace, Usage, quote
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2, ranker_pb2, scorer_pb2
from tests.unit.cli.test_board_reports import lines

app = typer.Typer()
app.command()(command)

OFFLINE = ("--offline", "--models", "6", "--queries", "5")
NAMES = tuple(f"model-{number}@1" for number in range(6))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=seconds)


def insertion(model: str, admitted: int, settled: int, calls: int, rounds: int) -> ranker_pb2.Insertion:
    return ranker_pb2.Insertion(
        model=model,
        phase=ranker_pb2.INSERTION_PHASE_SETTLED,
        judge_calls=calls,
        rounds=range(rounds),
        admit_time=at(admitted),
        settle_time=at(settled),
    )


def call(model: str, purpose: Any, tokens: tuple[int, int], nano_units: int) -> gateway_pb2.LedgerEntry:
    return gateway_pb2.LedgerEntry(
        model=model,
        purpose=purpose,
        state=gateway_pb2.COMPLETION_STATE_DONE,
        usage=common_pb2.TokenUsage(input_tokens=tokens[0], output_tokens=tokens[1]),
        cost=common_pb2.Money(currency="USD", nano_units=nano_units),
    )


JUDGE, ANSWER = gateway_pb2.PURPOSE_JUDGE, gateway_pb2.PURPOSE_ANSWER


def model(slug: str, price: int = 0, concurrency: int = 0) -> gateway_pb2.Model:
    million = common_pb2.Money(currency="USD", nano_units=price * 1_000_000_000)
    return gateway_pb2.Model(
        name=f"projects/default/models/{slug}",
        revision=1,
        concurrency=concurrency,
        price=gateway_pb2.Price(per_million_input_tokens=million, per_million_output_tokens=million),
    )


@dataclass
class Told:
    """A client whose services say what stands here."""

    ranked: Sequence[str] = NAMES
    admitted: Sequence[ranker_pb2.Insertion] = ()
    calls: Sequence[gateway_pb2.LedgerEntry] = ()
    suspended: Sequence[str] = ()
    registered: Sequence[gateway_pb2.Model] = field(
        default_factory=lambda: [model(name.partition("@")[0]) for name in NAMES]
    )
    weights: Sequence[int] = (65_536,) * 6

    async def get_dimension(self, slug: str) -> query_selector_pb2.Dimension:
        return query_selector_pb2.Dimension(query_count=5, version=1)

    async def ranking(self, dimension: str) -> ranker_pb2.Ranking:
        return ranker_pb2.Ranking(models=self.ranked)

    async def judges(self, dimension: str) -> list[ranker_pb2.JudgeHealth]:
        return [ranker_pb2.JudgeHealth(judge=name, suspended=name in self.suspended) for name in NAMES]

    async def leaderboard(self, dimension: str) -> scorer_pb2.Board:
        rows = [
            scorer_pb2.BoardRow(model=name, judge_weight=weight)
            for name, weight in zip(NAMES, self.weights, strict=True)
        ]
        return scorer_pb2.Board(rows=rows)

    async def entrants(self, dimension: str, version: int) -> list[gateway_pb2.Entrant]:
        return [gateway_pb2.Entrant(model="new@1", answers_recorded=2)]

    async def models(self) -> AsyncIterator[gateway_pb2.Model]:
        for one in self.registered:
            yield one

    async def insertions(self, dimension: str) -> AsyncIterator[ranker_pb2.Insertion]:
        for one in self.admitted:
            yield one

    async def ledger(self, *, dimension: str) -> AsyncIterator[gateway_pb2.LedgerEntry]:
        for one in self.calls:
            yield one


async def quoted_of(told: Told, name: str = "", assumed: Assumed | None = None) -> quoted.Quoted:
    return await of_dimension(cast("ArenaClient", told), "algebra", name, assumed or Assumed())


SEEDS = [insertion(name, 0, 10, 500, 2) for name in NAMES[:5]]
ENOUGH = [
    *SEEDS,
    *(insertion(f"other-{number}@1", 100 + number, 160 + 2 * number, 100 + 10 * number, 6) for number in range(12)),
]


async def test_insertions_of_the_dimension_are_its_measure_where_there_are_enough() -> None:
    made = await quoted_of(Told(admitted=ENOUGH))
    assert made.quote.judge_calls.median == 155
    assert made.quote.rounds.median == 6
    assert made.quote.seconds is not None
    assert made.quote.seconds.median == 65.5
    assert made.rests_on["calls"].startswith("12 insertions here")


async def test_simulated_ones_stand_in_for_few_and_keep_the_pace_of_these() -> None:
    made = await quoted_of(Told(admitted=ENOUGH[:7]))
    assert "insertions simulated in 5 planted worlds of 6 ranked models and 5 queries" in made.rests_on["calls"]
    assert "the 2 insertions here are too few" in made.rests_on["calls"]
    assert made.quote.seconds is not None
    assert made.quote.seconds.median == pytest.approx(made.quote.rounds.median * (60 / 6 + 61 / 6) / 2)
    assert made.quote.cost == {}
    assert "cost" not in made.rests_on
    assert made.quote.input_tokens is None


async def test_a_judge_costs_what_its_calls_cost_as_often_as_it_is_asked() -> None:
    calls = [
        *(call(name, JUDGE, (1000, 100), 1_000_000) for name in NAMES[:5]),
        call(NAMES[5], JUDGE, (4000, 100), 9_000_000),
        call(NAMES[0], ANSWER, (10, 200), 2_000_000),
    ]
    even = (await quoted_of(Told(admitted=ENOUGH, calls=calls))).quote
    assert even.input_tokens is not None
    assert even.input_tokens.median == pytest.approx(155 * 1500 + 5 * 10)
    assert even.cost["USD"].median == pytest.approx((155 * (5 + 9) / 6 + 5 * 2) / 1000)
    heavy = (65_536, 65_536, 65_536, 65_536, 65_536, 0)
    light = (await quoted_of(Told(admitted=ENOUGH, calls=calls, weights=heavy))).quote
    # A judge without weight is asked all the same, a fifth of an even draw.
    share = 0.2 / 6
    assert light.input_tokens is not None
    assert light.input_tokens.median == pytest.approx(155 * (1000 * (1 - share) + 4000 * share) + 5 * 10)


async def test_a_model_answers_at_its_own_price_what_it_has_not_answered() -> None:
    told = Told(
        admitted=ENOUGH,
        calls=[call(NAMES[0], JUDGE, (1000, 100), 0), call(NAMES[0], ANSWER, (100, 900), 7)],
        registered=[*Told().registered, model("new", price=10)],
    )
    made = await quoted_of(told, "new@1")
    assert made.quote.answers == 3
    assert made.quote.cost["USD"].median == pytest.approx(3 * 1000 * 10 / 1e6)


async def test_assumptions_take_the_place_of_records() -> None:
    told = Told(
        admitted=ENOUGH,
        calls=[call(name, JUDGE, (9, 9), 9) for name in NAMES],
        registered=[model(name.partition("@")[0], price=1, concurrency=4) for name in NAMES],
    )
    made = await quoted_of(told, assumed=Assumed(input_tokens=1000, output_tokens=0, seconds=3.0))
    assert made.quote.judge_calls.median == 155
    assert made.quote.cost["USD"].median == pytest.approx(155 * 1000 / 1e6)
    assert made.rests_on["cost"] == "prices of the judges"
    assert made.rests_on["time"].startswith("3 s a call, 4 at once")
    assert made.quote.seconds is not None
    assert made.quote.seconds.median % 3 == 0
    priced = await quoted_of(told, assumed=Assumed(input_tokens=1000, output_tokens=0, price_in=2.0, currency="EUR"))
    assert priced.quote.cost["EUR"].median == pytest.approx((155 * 1000 + 5 * 500) * 2 / 1e6)


async def test_suspended_judges_are_not_asked() -> None:
    with pytest.raises(NotReady, match="no model judges"):
        await quoted_of(Told(suspended=NAMES))
    with pytest.raises(NotReady, match="ranks 3 models, too few"):
        await quoted_of(Told(ranked=NAMES[:3]))
    with pytest.raises(InvalidField, match="has its place"):
        await quoted_of(Told(), NAMES[0])
    with pytest.raises(UnknownModel, match="new@2"):
        await quoted_of(Told(), "new@2")


def test_rules_are_those_of_the_dimension() -> None:
    assert rules_of(query_selector_pb2.Dimension()) == Rules()
    ranking = query_selector_pb2.RankingSettings(
        jury="exhaustive",
        window=2,
        target_cost=common_pb2.Money(currency="USD", nano_units=5),
        seats=common_pb2.SEAT_POLICY_SINGLE,
    )
    assert rules_of(query_selector_pb2.Dimension(ranking=ranking)) == Rules(
        jury="exhaustive",
        window=2,
        target_cost_nano_units=5,
        target_cost_currency="USD",
        seats=SeatPolicy.SINGLE,
    )


def test_offline_it_says_what_each_figure_rests_on() -> None:
    result = run(*OFFLINE, "--input-tokens", "1000", "--output-tokens", "50", "--price-in", "2", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout, parse_constant=pytest.fail)
    calls, tokens = told["quote"]["judge_calls"], told["quote"]["input_tokens"]
    assert (told["models"], told["queries"], told["jury"]) == (6, 5, "sequential")
    assert tokens["median"] == pytest.approx(calls["median"] * 1000 + 5 * 500)
    assert told["quote"]["cost"]["USD"]["high"] == pytest.approx(tokens["high"] * 2 / 1e6)
    assert set(told["rests_on"]) == {"calls", "tokens", "cost"}
    assert told["quote"]["seconds"] is None


def test_a_person_reads_ranges() -> None:
    taken = [Taken(300, 10, (16,) * 10), Taken(1300, 14, (16,) * 14)]
    made = quoted.Quoted(
        40,
        24,
        "sequential",
        quote(
            taken,
            24,
            judging=Usage(1000, 100, {"USD": 1_000_000.0}),
            answering=Usage(1, 1),
            pace=CallPace(30.0, 8),
        ),
        {"calls": "two insertions"},
    )
    assert lines(rendered(made, "algebra", "kappa")) == [
        "kappa into algebra: 40 ranked models, 24 queries, jury sequential",
        "",
        "median 80 % between",
        "judge calls 800 300 and 1,300",
        "rounds 12 10 and 14",
        "answers 24",
        "input tokens 800,024 300,024 and 1,300,024",
        "output tokens 80,024 30,024 and 130,024",
        "cost USD 0.80 0.30 and 1.30",
        "time 14 min 12 min and 16 min",
        "",
        "calls: two insertions",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--offline",), "--offline: needs --models and --queries"),
        ((*OFFLINE, "--model", "x"), "--offline: knows no dimension and no model"),
        (("--offline", "--models", "3", "--queries", "5"), "models: is 3; must be at least 4"),
        ((*OFFLINE, "--input-tokens", "5"), "--input-tokens: and --output-tokens are given both or not at all"),
        ((*OFFLINE, "--price-out", "5"), "--price-in: tells nothing without --input-tokens and --output-tokens"),
        ((*OFFLINE, "--currency", "usd"), "--currency: 'usd' is not a currency's code"),
        ((), "DIMENSION: is missing"),
        (("algebra", "--models", "5"), "--models: and --queries are for --offline"),
    ],
)
def test_what_cannot_be_quoted_is_one_clear_line(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {told}")
    assert len(result.stderr.splitlines()) == 1
