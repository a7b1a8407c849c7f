"""Streams and consumers are data, and every subject that is sent has a stream that takes it."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.runtime import subjects
from services.runtime.topology import DEFAULT_PATH, Topology

SENT = [
    subjects.model_registered("p", "m"),
    subjects.dimension_ready("p", "d"),
    subjects.answers_ready("p", "d"),
    subjects.vote_cast("p", "d"),
    subjects.round_closed("p", "d"),
    subjects.insertion_settled("p", "d"),
    subjects.scores_updated("p", "d"),
    subjects.budget_changed("p", "d"),
    subjects.order_given("p", "d"),
    subjects.judging_requested(0, "m"),
    subjects.dead_letter("ranker-doorbell"),
]


def takes(pattern: str, subject: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", r"[^.]+").replace(">", r".+")
    return re.fullmatch(expression, subject) is not None


@pytest.mark.parametrize("subject", SENT)
def test_each_subject_goes_to_exactly_one_stream(subject: str) -> None:
    streams = Topology.read(DEFAULT_PATH).streams
    assert sum(takes(pattern, subject) for stream in streams for pattern in stream.subjects) == 1


def test_consumers_take_only_what_their_stream_holds() -> None:
    topology = Topology.read(DEFAULT_PATH)
    held = {stream.name: stream.subjects for stream in topology.streams}
    for consumer in topology.consumers:
        for wanted in consumer.filter_subjects:
            assert any(takes(pattern, wanted.replace(">", "x")) for pattern in held[consumer.stream])


def test_the_work_queue_refuses_new_work_when_full_rather_than_dropping_old() -> None:
    (judging,) = [stream for stream in Topology.read(DEFAULT_PATH).streams if stream.name == subjects.JUDGING]
    assert judging.retention == "workqueue"
    assert judging.discard == "new"


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text("streams: [{name: A, subjects: [a], retention: limits, discrad: new}]\nconsumers: []\n")
    with pytest.raises(ValidationError, match="discrad"):
        Topology.read(path)


@pytest.mark.parametrize("subject", SENT[:-1])
def test_span_names_hold_no_project_model_or_dimension(subject: str) -> None:
    template = subjects.template_of(subject)
    assert template.split(".")[:2] == subject.split(".")[:2]
    assert "{" in template.split(".")[2]


@pytest.mark.parametrize("shards", [1, 3])
def test_each_shard_has_its_consumer_and_hears_what_a_ranker_of_all_hears(shards: int) -> None:
    consumers = {consumer.durable: consumer for consumer in Topology.read(DEFAULT_PATH).consumers_of(shards)}
    rankers = {name: consumer for name, consumer in consumers.items() if name.startswith("ranker-doorbell")}
    assert set(rankers) == {"ranker-doorbell", *(f"ranker-doorbell-{shard}" for shard in range(shards))}
    assert len({tuple(consumer.filter_subjects) for consumer in rankers.values()}) == 1
    assert len(consumers) - len(rankers) == 3


@pytest.mark.parametrize(("said", "kept"), [(3, 3), (None, 1)])
def test_streams_are_kept_on_as_many_servers_as_the_job_is_told(said: int | None, kept: int) -> None:
    streams = Topology.read(DEFAULT_PATH).replicated(said).streams
    assert {stream.config().num_replicas for stream in streams} == {kept}
