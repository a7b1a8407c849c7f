"""When an endpoint is said to have changed."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dearena.names import Revision
from services.gateway.chat import Reply
from services.gateway.drift import PROMPTS, Probe, drift, observe

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TEXTS = ("2, 3, 5", "saw the sea.", "Le chat", "Overreach.")


def probe(*texts: str | None, model: str = "m-1", fingerprint: str = "fp_1", number: int = 1) -> Probe:
    replies = [
        None
        if text is None
        else Reply(text, "stop", 1, 1, usage_estimated=False, upstream_model=model, system_fingerprint=fingerprint)
        for text in texts or TEXTS
    ]
    return observe(Revision("m", 1), number, NOW, replies)


STEADY = (probe(), probe(number=2))


def test_the_same_replies_are_no_change() -> None:
    assert drift(STEADY, probe(number=3)) == ""


def test_a_probe_has_a_hash_for_every_prompt() -> None:
    assert len(probe().reply_hashes) == len(PROMPTS)
    assert len(set(probe().reply_hashes)) == len(PROMPTS)


def test_another_model_id_or_fingerprint_is_told() -> None:
    assert drift(STEADY, probe(model="m-2")) == "model id m-1 is now m-2"
    assert drift(STEADY, probe(fingerprint="fp_2")) == "fingerprint fp_1 is now fp_2"


def test_what_an_endpoint_calls_itself_moves_no_terminal() -> None:
    assert probe(model="m\x1b[2J").upstream_model == "m?[2J"


def test_other_replies_are_counted() -> None:
    found = drift(STEADY, probe("2, 3, 5", "heard a sound.", "Le chat", "Lead."))
    assert found == "2 of 4 replies differ that were the same twice"


def test_what_differs_by_itself_counts_for_nothing() -> None:
    noisy = (probe(), probe("2, 3, 5", "heard a sound.", "Le chat", "Overreach.", fingerprint="fp_2", number=2))
    assert drift(noisy, probe("2, 3, 5", "a third way", "Le chat", "Overreach.", fingerprint="fp_3")) == ""
    assert drift(noisy, probe("2, 3", "a third way", "Le chat", "Overreach.")) != ""


def test_thinking_is_part_of_what_may_change() -> None:
    def thought(reasoning: str) -> Probe:
        reply = Reply("42", "stop", 1, 1, usage_estimated=False, upstream_model="m", reasoning=reasoning)
        return observe(Revision("m", 1), 1, NOW, [reply] * 4)

    assert drift((thought("a"), thought("a")), thought("b"))


def test_no_reply_is_no_change() -> None:
    assert drift(STEADY, probe(None, None, None, None)) == ""
    assert drift((probe(None, *TEXTS[1:]), probe(number=2)), probe("other", *TEXTS[1:])) == ""


def test_without_two_probes_there_is_nothing_to_differ_from() -> None:
    assert drift((), probe()) == ""
    assert drift(STEADY[:1], probe(model="m-2")) == ""


@given(texts=st.tuples(*[st.one_of(st.none(), st.sampled_from("ab"))] * 4), other=st.sampled_from(["m-1", "m-2"]))
def test_a_baseline_does_not_differ_from_itself(texts: tuple[str | None, ...], other: str) -> None:
    first, second = probe(*texts), probe(*texts, model=other, number=2)
    assert drift((first, second), replace(first, number=3)) == ""
