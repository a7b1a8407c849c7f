"""What arenas of other sizes will take, by calculation from what was measured on small ones.

    python -m benchmarks.sizes [--write | --check] [--price-in .15] [--price-out .60] [--calls-a-minute 60] [--hours 24]

Pure but for `main`: every figure that goes in stands in MEASURED with the command that measured it, or is an
assumption with a name. `--write` puts the tables into docs/operations/sizes-and-costs.md, `--check` exits 1 where they
are others there.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Final

from services.runtime.instruments import CATALOGUE

PAGE: Final = Path(__file__).parents[1] / "docs" / "operations" / "sizes-and-costs.md"
BEGIN: Final = "<!-- by make sizes: begin -->"
END: Final = "<!-- by make sizes: end -->"

SIZES: Final = tuple((models, dimensions) for models in (100, 1_000) for dimensions in (10, 100))
SEED_MODELS: Final = 5
"""Ranked each with each at first; see RankingSettings."""
CAP: Final = 40
"""Outcomes after which a pair stays undecided; likewise."""
CALLS_A_CELL: Final = 2
"""Both seat orders."""
WAVE: Final = 1 / 2
"""Newcomers that enter together, of those that are ranked."""
CHARACTERS_A_TOKEN: Final = 4
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that was measured."""

    value: float
    unit: str
    what: str
    command: str


_QUOTE = "dearena quote --offline --models 25 --queries 40"
_GROWTH = "make bench-jury-growth"
_WHOLE = "make bench-whole-system"
_FOOTPRINT = "make bench-footprint"
_SLOW_JUDGING = "make bench-slow-judging"
_SCORING = "make bench-scoring"

MEASURED: Final[Mapping[str, Figure]] = {
    "insertion_calls": Figure(295, "calls", "an insertion among 25 ranked models, 40 queries", _QUOTE),
    "growth": Figure(1.73, "times", "an insertion among 370 to 400 over one among 20 to 30", _GROWTH),
    "wave_rounds": Figure(14.7, "rounds", "a wave of newcomers: 57.5 rounds of 24 models", _FOOTPRINT),
    "canaries": Figure(0.058, "share", "cells that watch judges, beside those that are votes", _FOOTPRINT),
    "gateway_cpu": Figure(2.19, "ms", "CPU of the gateway a judge call", _WHOLE),
    "dispatcher_cpu": Figure(0.85, "ms", "CPU of the judge dispatcher a judge call", _WHOLE),
    "ranker_cpu": Figure(0.69, "ms", "CPU of the ranker a judge call", _WHOLE),
    "scorer_cpu": Figure(0.28, "ms", "CPU of the scorer a judge call", _WHOLE),
    "fit": Figure(2.4, "s", "a fit of 20,000,000 votes of 1,000 models", _SCORING),
    "completion": Figure(626, "bytes", "a call in `completions`, on disk with indexes", _FOOTPRINT),
    "transcript": Figure(345, "bytes", "a text in `transcripts`, one a judge call", _FOOTPRINT),
    "comparison": Figure(1_332, "bytes", "an outcome in `comparisons`", _FOOTPRINT),
    "cell": Figure(288, "bytes", "a cell in `round_cells`", _FOOTPRINT),
    "answer": Figure(444, "bytes", "an answer in `answers`", _FOOTPRINT),
    "round": Figure(5_200, "bytes", "a round in `rounds`, with its five entries in `decisions`", _FOOTPRINT),
    "board": Figure(330, "bytes", "a model on one of the boards that are kept in `scoreboards`", _FOOTPRINT),
    "compressed": Figure(0.38, "share", "of text that stays when it is on disk", _FOOTPRINT),
    "message": Figure(758, "bytes", "an event on the bus", _FOOTPRINT),
    "vote_events": Figure(0.15, "events", "a vote; many votes are one", _FOOTPRINT),
    "log": Figure(31, "bytes", "an outcome in the scorer's memory", "make bench-leaderboard"),
    "gateway_memory": Figure(186, "MiB", "the gateway with 1,000 calls in flight", "make bench-slow"),
    "dispatcher_memory": Figure(190, "MiB", "any service with 1,008 judge calls in flight, at most", _SLOW_JUDGING),
    "ranker_memory": Figure(192, "MiB", "the ranker at work on 24 models in two dimensions", _FOOTPRINT),
    "scorer_memory": Figure(179, "MiB", "the scorer, likewise", _FOOTPRINT),
    "selector_memory": Figure(168, "MiB", "the query selector, likewise", _FOOTPRINT),
    "mongod_memory": Figure(275, "MiB", "mongod, likewise; its cache grows to what it is given", _FOOTPRINT),
    "nats_memory": Figure(26, "MiB", "nats-server, likewise", _FOOTPRINT),
}
"""What this page's sums begin with. Whoever measures anew changes them here."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is not measured but chosen; most of it is what your models and questions are like."""

    queries: int = 40
    question_tokens: int = 100
    answer_tokens: int = 300
    template_tokens: int = 420
    """The words round what is judged: 1,689 characters of pairwise@1."""
    verdict_tokens: int = 80
    price_in: float = 0.15
    price_out: float = 0.60
    """Of a million tokens, the same for every model."""
    calls_a_minute: float = 60.0
    """That each model's endpoint allows."""
    seconds_a_call: float = 5.0
    hours: float = 24.0
    """In which all is to be ranked, where the endpoints allow it."""
    busy: float = 0.6
    """Share of a core that is planned with: the rest is for peaks."""
    judges_used: float = 0.5
    """How evenly calls are spread over judges: 1 when all take the same; better ones are asked more."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of an arena that has ranked all its models."""

    models: int
    dimensions: int
    judge_calls: float
    answers: float
    input_tokens: float
    output_tokens: float
    cost: float
    one_more_calls: float
    """Of one more model, in all dimensions."""
    one_more_cost: float
    store_bytes: float
    bus_bytes: float
    """Events of a day, for which they are kept, or of all of it if it takes less; messages of cells come on top."""
    rounds: float
    """Of one dimension."""
    rate_hours: float
    """That the endpoints' own limits make it take, all dimensions at once."""
    round_hours: float
    """That waiting for replies makes it take, a round after the other."""
    cores: Mapping[str, float]
    """That services need to be done in the wanted time, or as soon as the endpoints allow."""
    scorer_log_bytes: float
    series: int

    @property
    def hours(self) -> float:
        """The least time, however many services there are."""
        return max(self.rate_hours, self.round_hours)


def insertion_calls(ranked: float) -> float:
    """Judge calls of an insertion among so many models: measured at 25 and at 385, by logarithm elsewhere."""
    growth = (MEASURED["growth"].value - 1) / log(385 / 25)
    return MEASURED["insertion_calls"].value * (1 + growth * log(ranked / 25))


def judge_calls(models: int) -> float:
    """Of a dimension from its first model to so many, canaries aside."""
    seeds = min(models, SEED_MODELS)
    seeding = seeds * (seeds - 1) / 2 * CAP * CALLS_A_CELL
    return seeding + sum(insertion_calls(ranked) for ranked in range(seeds, models))


def rounds(models: int) -> float:
    """Of a dimension from its first model to so many: each wave is half as many as are ranked."""
    waves = log(max(models, SEED_MODELS) / SEED_MODELS) / log(1 + WAVE)
    return 1 + MEASURED["wave_rounds"].value * waves


def series(models: int, dimensions: int) -> int:
    """Of all metrics, each service once."""
    return sum(one.series(models, dimensions) * len(one.services) for one in CATALOGUE.values())


def estimate(models: int, dimensions: int, assumed: Assumed) -> Estimate:
    """What an arena takes that ranks so many models in each of so many dimensions.

    Raises:
        ValueError: there are fewer models than begin a ranking, or no dimension.
    """
    if models < SEED_MODELS or dimensions < 1:
        raise ValueError(f"a ranking begins with {SEED_MODELS} models, and an arena with a dimension")
    watched = 1 + MEASURED["canaries"].value
    calls = judge_calls(models) * watched * dimensions
    answers = float(models * assumed.queries * dimensions)
    tokens_in, tokens_out = _tokens(calls, answers, assumed)
    more = insertion_calls(models) * watched * dimensions
    more_in, more_out = _tokens(more, assumed.queries * dimensions, assumed)
    made = rounds(models)
    rate_hours = calls / assumed.judges_used / (models * assumed.calls_a_minute) / 60
    # A round waits for its slowest cell: a reply for each seat order, and as much again for whatever is late.
    round_hours = made * CALLS_A_CELL * assumed.seconds_a_call * 2 / 3600
    seconds = max(assumed.hours, rate_hours, round_hours) * 3600
    votes = calls / CALLS_A_CELL
    events = votes * MEASURED["vote_events"].value
    return Estimate(
        models=models,
        dimensions=dimensions,
        judge_calls=calls,
        answers=answers,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost=_cost(tokens_in, tokens_out, assumed),
        one_more_calls=more,
        one_more_cost=_cost(more_in, more_out, assumed),
        store_bytes=_stored(calls, answers, models, made * dimensions, assumed),
        bus_bytes=events * MEASURED["message"].value * min(1.0, DAY / seconds),
        rounds=made,
        rate_hours=rate_hours,
        round_hours=round_hours,
        cores=_cores(calls, made * dimensions, models, seconds, assumed),
        scorer_log_bytes=votes * MEASURED["log"].value,
        series=series(models, dimensions),
    )


def _tokens(calls: float, answers: float, assumed: Assumed) -> tuple[float, float]:
    judged = assumed.template_tokens + assumed.question_tokens + 2 * assumed.answer_tokens
    read = calls * judged + answers * assumed.question_tokens
    return read, calls * assumed.verdict_tokens + answers * assumed.answer_tokens


def _cost(tokens_in: float, tokens_out: float, assumed: Assumed) -> float:
    return (tokens_in * assumed.price_in + tokens_out * assumed.price_out) / 1e6


def _stored(calls: float, answers: float, models: int, rounds_of_all: float, assumed: Assumed) -> float:
    texts = (calls * assumed.verdict_tokens + answers * assumed.answer_tokens) * CHARACTERS_A_TOKEN
    return (
        calls * (MEASURED["completion"].value + MEASURED["transcript"].value)
        + calls / CALLS_A_CELL * (MEASURED["comparison"].value + MEASURED["cell"].value)
        + answers * (MEASURED["answer"].value + MEASURED["completion"].value)
        # Texts lie twice: as they came, and where they are read.
        + 2 * texts * MEASURED["compressed"].value
        # A board a round, on which there are on the mean half of the models of the end.
        + rounds_of_all * (MEASURED["round"].value + models / 2 * MEASURED["board"].value)
    )


def _cores(calls: float, rounds_of_all: float, models: int, seconds: float, assumed: Assumed) -> dict[str, float]:
    spent = {
        name: calls * MEASURED[f"{name}_cpu"].value / 1000 for name in ("gateway", "dispatcher", "ranker", "scorer")
    }
    # A fit in the measured mix is of few models; what many take comes on top, by the square of them.
    spent["scorer"] += rounds_of_all * MEASURED["fit"].value * (models / 1_000) ** 2
    return {name: one / seconds / assumed.busy for name, one in spent.items()}


def tables(estimates: Sequence[Estimate], assumed: Assumed) -> str:
    """What goes into the page, as Markdown."""
    columns = [f"{one.models:,} models, {one.dimensions} dimensions" for one in estimates]
    taken: list[tuple[str, Iterable[str]]] = [
        ("judge calls", (_short(one.judge_calls) for one in estimates)),
        ("answers", (_short(one.answers) for one in estimates)),
        ("tokens in", (_short(one.input_tokens) for one in estimates)),
        ("tokens out", (_short(one.output_tokens) for one in estimates)),
        ("cost of all", (f"{_short(one.cost)} USD" for one in estimates)),
        ("one more model: judge calls", (_short(one.one_more_calls) for one in estimates)),
        ("one more model: cost", (f"{_short(one.one_more_cost)} USD" for one in estimates)),
        ("MongoDB, on disk", (f"{_short(one.store_bytes / 1e9)} GB" for one in estimates)),
        ("NATS, events of a day on disk", (f"{_short(one.bus_bytes / 1e9)} GB" for one in estimates)),
        ("rounds of a dimension", (_short(one.rounds) for one in estimates)),
        ("hours, by the endpoints' limits", (_short(one.rate_hours) for one in estimates)),
        ("hours, by waiting for replies", (_short(one.round_hours) for one in estimates)),
        *((f"cores: {name}", [_short(one.cores[name]) for one in estimates]) for name in estimates[0].cores),
        ("scorer: logs in memory", (f"{_short(one.scorer_log_bytes / 1e9)} GB" for one in estimates)),
        ("series of metrics", (f"{one.series:,}" for one in estimates)),
    ]
    figures = [(figure.what, f"{figure.value:,g} {figure.unit}", f"`{figure.command}`") for figure in MEASURED.values()]
    return "\n\n".join(
        [
            _markdown(("", *columns), ((name, *values) for name, values in taken)),
            f"Assumed: {_said(assumed)}.",
            _markdown(("measured", "figure", "command"), figures),
        ]
    )


def _said(assumed: Assumed) -> str:
    return (
        f"{assumed.queries} queries a dimension; a question of {assumed.question_tokens} tokens, an answer of "
        f"{assumed.answer_tokens}, a judge's reply of {assumed.verdict_tokens}, a template of "
        f"{assumed.template_tokens}; {assumed.price_in:g} USD a million tokens in and {assumed.price_out:g} out; "
        f"{assumed.calls_a_minute:g} calls a minute at each endpoint, of which {assumed.judges_used * 100:.0f} % are "
        "used, since better judges are asked more; "
        f"{assumed.seconds_a_call:g} s a call; cores for {assumed.hours:g} hours, or what the endpoints allow where "
        f"that is longer, at {assumed.busy * 100:.0f} % of a core"
    )


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: float) -> str:
    """Three digits, no more, are known."""
    if value >= 1e9:
        return f"{value / 1e9:.3g} billion"
    if value >= 1e6:
        return f"{value / 1e6:.3g} million"
    if value >= 1000:
        return f"{round(value, 2 - len(str(int(value))) + 1):,.0f}"
    return f"{value:.3g}" if value >= 0.1 else f"{value:.2f}"


def written_into(page: str, made: str) -> str:
    """The page with these tables in the place of those it has.

    Raises:
        ValueError: it does not say where they stand.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    usual = Assumed()
    parser = argparse.ArgumentParser(description="Sizes and costs of arenas, by calculation.")
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    parser.add_argument("--check", action="store_true", help="exit 1 where the page has others")
    parser.add_argument("--models", type=int, help="another size than those of the page, with --dimensions")
    parser.add_argument("--dimensions", type=int, default=1)
    parser.add_argument("--price-in", type=float, default=usual.price_in, help="USD a million tokens")
    parser.add_argument("--price-out", type=float, default=usual.price_out)
    parser.add_argument("--calls-a-minute", type=float, default=usual.calls_a_minute, help="of each endpoint")
    parser.add_argument("--hours", type=float, default=usual.hours, help="in which all is to be ranked")
    asked = parser.parse_args()
    assumed = replace(
        usual,
        price_in=asked.price_in,
        price_out=asked.price_out,
        calls_a_minute=asked.calls_a_minute,
        hours=asked.hours,
    )
    sizes: Sequence[tuple[int, int]] = SIZES if asked.models is None else ((asked.models, asked.dimensions),)
    made = tables([estimate(*size, assumed) for size in sizes], assumed)
    if not (asked.write or asked.check):
        print(made)
        return
    page = PAGE.read_text("utf-8")
    if asked.write:
        PAGE.write_text(written_into(page, made), "utf-8")
    elif page != written_into(page, made):
        sys.exit(f"{PAGE.name} has other tables: run make sizes ARGS=--write")


if __name__ == "__main__":
    main()
