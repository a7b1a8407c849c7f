"""Who may judge what, through all services: the policy is obeyed, the log proves it, and whom it leaves out is told."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from dearena.client import ArenaClient, Vote
from dearena.client.log import decision_of
from dearena.ranking.audit import Judged, audit
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.v1 import gateway_pb2
from dearena.v1 import query_selector_pb2 as selector
from tests.fixtures.arena import Arena, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


class Of(NamedTuple):
    """Whose a model is."""

    provider: str
    family: str


HOUSE, PARTNER, ABROAD, STRANGER = "in-house", "partner", "abroad", "stranger"
WHOSE = {
    "planted-0": Of(HOUSE, "greek"),
    "planted-1": Of(PARTNER, "latin"),
    "planted-2": Of(ABROAD, "greek"),
    "planted-3": Of(HOUSE, ""),
    "planted-4": Of(HOUSE, "latin"),
    "planted-5": Of(PARTNER, "greek"),
    "planted-6": Of(ABROAD, ""),
    "planted-7": Of(PARTNER, ""),
}
"""Without a family, a model has none in common with others."""
LEFT_OUT = "planted-8"
"""Of a provider whose models may not enter the guarded dimension."""
QUERIES = 6
GUARDED = selector.Dimension(
    allowed_providers=[HOUSE, PARTNER, ABROAD],
    judging=selector.JudgingPolicy(exclude_family=True, judge_providers=[HOUSE, PARTNER]),
)
PROVEN = "proven: no model judged itself, nor what it may not"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("who-may-judge")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(whole: Arena) -> AsyncIterator[ArenaClient]:
    """The same models in a dimension with a policy and in one without."""
    async with whole.client("policies") as client:
        for slug, of in (WHOSE | {LEFT_OUT: Of(STRANGER, "")}).items():
            await whole.register(client, slug, provider=of.provider, family=of.family)
        await create(client, "guarded", GUARDED, canary_every=2)
        await create(client, "open", selector.Dimension(), canary_every=2)
        yield client


async def create(client: ArenaClient, slug: str, policy: selector.Dimension, **ranking: Any) -> None:
    dimension = selector.Dimension(
        name=client.dimension_name(slug),
        selection=selector.Selection(k=QUERIES),
        ranking=selector.RankingSettings(**{"jury": "exhaustive", "seed_models": 4, **ranking}),
    )
    dimension.MergeFrom(policy)
    await client.create_dimension(dimension, [{"id": f"{slug}-{n}", "text": f"Question {n}?"} for n in range(QUERIES)])


async def outcomes(client: ArenaClient, dimension: str) -> list[Vote]:
    return [vote async for vote in client.votes(dimension, canaries=True)]


async def decided(client: ArenaClient, dimension: str) -> list[Decision]:
    return [decision_of(message) async for message in client.decisions(dimension)]


def slug_of(model: str) -> str:
    return model.partition("@")[0]


def objections(votes: Sequence[Vote], whose: Mapping[str, Of]) -> set[str]:
    """What the guarded dimension's policy has against these outcomes, told by hand."""
    found = set()
    for vote in votes:
        judge, *pair = (slug_of(model) for model in (vote.judge, vote.model_a, vote.model_b))
        of = whose[judge]
        if judge in pair:
            found.add("itself")
        if of.provider not in (HOUSE, PARTNER):
            found.add("provider")
        if of.family and of.family in {whose[model].family for model in pair}:
            found.add("family")
    return found


async def test_no_vote_and_no_canary_breaks_the_policy_and_the_log_proves_it(whole: Arena, client: ArenaClient) -> None:
    await whole.settled(client, len(WHOSE), "guarded")
    found = await outcomes(client, "guarded")
    votes = [one for one in found if one.kind == "VOTE"]
    canaries = [one for one in found if one.kind == "CANARY"]
    assert votes
    assert canaries
    assert objections(found, WHOSE) == set()

    told = json.loads(await whole.said(client.project, "audit", "guarded", "--json"))
    assert (told["proven"], told["offences"], told["rounds_without_policy"]) == (True, [], [])
    assert (told["votes"], told["canaries"]) == (len(votes), len(canaries))
    assert told["rounds"] == len({one.round for one in found})
    assert told["policies"] == [
        {
            "from_round": 1,
            "allowed_providers": [ABROAD, HOUSE, PARTNER],
            "judge_providers": [HOUSE, PARTNER],
            "exclude_family": True,
        }
    ]
    assert [seen["provider"] for seen in told["providers"]] == [HOUSE, PARTNER]
    for seen in told["providers"]:
        shown = [one for one in found if one.judge_calls and WHOSE[slug_of(one.judge)].provider == seen["provider"]]
        answers = {(one.query_id, model) for one in shown for model in (one.model_a, one.model_b)}
        assert seen["judges"] == sorted({one.judge for one in shown})
        assert seen["cells"] == len({one.cell_id for one in shown})
        assert seen["queries"] == QUERIES
        assert seen["answers"] == len(answers)
        others = [model for _, model in answers if WHOSE[slug_of(model)].provider != seen["provider"]]
        assert seen["answers_of_other_providers"] == len(others) > 0

    said = await whole.said(client.project, "audit", "guarded")
    assert f"guarded: {len(votes):,} votes and {len(canaries):,} canaries of {told['rounds']} rounds\n" in said
    assert "from round 1: only models of in-house, partner judge, and none judges its own family\n" in said
    assert said.rstrip().endswith(PROVEN)


async def test_endpoints_were_asked_nothing_that_the_policy_keeps_from_them(whole: Arena, client: ArenaClient) -> None:
    """By the gateway's own books, which know nothing of rounds."""
    await whole.settled(client, len(WHOSE), "guarded")
    ledger = [entry async for entry in client.ledger(dimension="guarded")]
    asked = {purpose: set[str]() for purpose in (gateway_pb2.PURPOSE_ANSWER, gateway_pb2.PURPOSE_JUDGE)}
    for entry in ledger:
        asked[entry.purpose].add(slug_of(entry.model))
    assert asked[gateway_pb2.PURPOSE_ANSWER] == set(WHOSE)
    # Who was inserted last has judged nothing yet.
    assert asked[gateway_pb2.PURPOSE_JUDGE] == {slug for slug, of in WHOSE.items() if of.provider != ABROAD} - {
        "planted-7"
    }
    judged = sum(entry.purpose == gateway_pb2.PURPOSE_JUDGE for entry in ledger)
    assert judged == sum(one.judge_calls for one in await outcomes(client, "guarded"))


async def test_without_a_policy_the_same_models_do_judge_their_own(whole: Arena, client: ArenaClient) -> None:
    """The policy has something to forbid here; and what it does not forbid is proven too."""
    await whole.settled(client, len(WHOSE) + 1, "open")
    found = await outcomes(client, "open")
    assert objections(found, WHOSE | {LEFT_OUT: Of(STRANGER, "")}) == {"provider", "family"}
    said = await whole.said(client.project, "audit", "open")
    assert "from round 1: every model judges all others\n" in said
    assert said.rstrip().endswith(PROVEN)


async def test_where_nobody_may_judge_the_dimension_waits_for_it_by_name(whole: Arena, client: ArenaClient) -> None:
    nobody = selector.Dimension(judging=selector.JudgingPolicy(judge_providers=["elsewhere"], exclude_family=True))
    await create(client, "nobody", nobody)
    reason = (
        "WAITING(no eligible judge for planted-0@1 against planted-1@1: only models of elsewhere judge, "
        "and none judges its own family)"
    )
    await eventually(lambda: waits(whole, client, "nobody"), poll=0.1, equals=reason)
    assert not await outcomes(client, "nobody")
    assert (await client.ranking("nobody")).last_closed_round == 0
    assert (await whole.said(client.project, "audit", "nobody")).startswith(
        "nobody: 0 votes and 0 canaries of 0 rounds\n"
    )


async def test_a_dimension_of_one_family_goes_on_once_it_is_told_of_others(whole: Arena) -> None:
    slugs = list(WHOSE)[:4]
    async with whole.client("kin") as client:
        for slug in slugs:
            await whole.register(client, slug, family="greek")
        await create(client, "d", selector.Dimension(judging=selector.JudgingPolicy(exclude_family=True)))
        reason = "WAITING(no eligible judge for planted-0@1 against planted-1@1: none judges its own family)"
        await eventually(lambda: waits(whole, client, "d"), poll=0.1, equals=reason)
        families = dict(zip(slugs, ("latin", "norse", "greek", "greek"), strict=True))
        for slug in slugs[:2]:
            await client.update_model(
                gateway_pb2.Model(name=client.model_name(slug), family=families[slug]), ["family"]
            )
        await whole.settled(client, len(slugs))
        found = await outcomes(client, "d")
        assert {slug_of(one.judge) for one in found} == set(slugs)
        assert all(
            families[slug_of(one.judge)] not in {families[slug_of(one.model_a)], families[slug_of(one.model_b)]}
            for one in found
        )
        assert (await whole.said(client.project, "audit", "d")).rstrip().endswith(PROVEN)


async def waits(whole: Arena, client: ArenaClient, dimension: str) -> str:
    ranking = await whole.calmly(client.ranking, dimension)
    return "" if ranking is None else ranking.waiting_reason


async def test_a_provider_that_changes_amid_a_round_counts_from_the_next(whole: Arena) -> None:
    slugs = [f"planted-{n}" for n in range(9)]
    guest = "planted-1"
    async with whole.client("moved") as client:
        for slug in slugs:
            await whole.register(client, slug, "slow", provider=ABROAD if slug == guest else HOUSE)
        policy = selector.JudgingPolicy(judge_providers=[HOUSE])
        await create(client, "d", selector.Dimension(judging=policy), canary_every=4)
        await whole.mid_insertion(client)
        running = (await client.ranking("d")).open_round
        asked = (await opened(client))[running].content["judges"]
        leaver = slug_of(asked[0])
        assert guest not in {slug_of(judge) for judge in asked}
        for slug, provider in ((leaver, ABROAD), (guest, HOUSE)):
            model = gateway_pb2.Model(name=client.model_name(slug), provider=provider)
            await client.update_model(model, ["provider"])
        assert (await client.ranking("d")).open_round == running  # or the change came between two rounds
        await whole.settled(client, len(slugs))

        log, found = await decided(client, "d"), await outcomes(client, "d")
        rounds = await opened(client)
        changes = [one for one in log if one.kind is DecisionKind.PROVENANCE_CHANGED]
        assert {slug_of(one.model): one.content["provider"] for one in changes} == {leaver: ABROAD, guest: HOUSE}
        assert all(rounds[running].number < one.number < rounds[running + 1].number for one in changes)
        before = {slug_of(one.judge) for one in found if one.round <= running and one.judge_calls}
        after = {slug_of(one.judge) for one in found if one.round > running}
        assert leaver in before - after
        assert guest in after - before
        told = json.loads(await whole.said(client.project, "audit", "d", "--json"))
        assert (told["proven"], told["votes"] + told["canaries"]) == (True, len(found))
        # All that were shown anything were of the house at the time, by the log.
        (seen,) = told["providers"]
        assert seen["provider"] == HOUSE
        assert seen["judges"] == sorted({one.judge for one in found if one.judge_calls})

    # Had it been known from the start, what was asked before would be forbidden, and it alone.
    rewritten = [
        replace(one, content={**one.content, "provider": ABROAD})
        if one.kind is DecisionKind.ADMITTED and slug_of(one.model) == leaver
        else one
        for one in log
    ]
    offences = audit(rewritten, [judged(one) for one in found]).offences
    assert {(slug_of(one.judged.judge), one.objection) for one in offences} == {(leaver, "PROVIDER")}
    assert {one.judged.cell_id for one in offences} == {one.cell_id for one in found if slug_of(one.judge) == leaver}


async def opened(client: ArenaClient) -> dict[int, Decision]:
    return {one.round: one for one in await decided(client, "d") if one.kind is DecisionKind.ROUND_OPENED}


def judged(vote: Vote) -> Judged:
    return Judged(
        vote.round, vote.cell_id, vote.kind, vote.judge, vote.model_a, vote.model_b, vote.query_id, vote.judge_calls
    )
