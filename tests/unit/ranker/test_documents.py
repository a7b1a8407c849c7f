"""What the ranker keeps, and reads again."""

import pytest

from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.ranking import Insertion, Seeding, Withdrawn
from dearena.ranking.rules import Rules
from services.ranker.documents import insertion_fields, insertion_record, rules_document
from services.runtime.store import now


@pytest.mark.parametrize("phase", [Seeding(), Coarse(0, 3), Fine(2, 1, 4), Settled(1, 0), Withdrawn()])
def test_insertions_come_back_from_the_store_as_they_were(phase: object) -> None:
    insertion = Insertion("a@1", 7, phase, (2, 3), 1, 3)  # type: ignore[arg-type]
    document = insertion_fields(insertion) | {
        "created_at": now(),
        "settled_at": None,
        "judge_calls": 0,
        "costs": {},
        "traceparent": "",
    }
    assert insertion_record(document).insertion == insertion


def test_rules_come_back_from_the_store_as_they_were() -> None:
    rules = Rules(seed_models=3, window=2, jury="j", weighting="w", allowed_providers=frozenset({"b", "a"}))
    document = rules_document(rules)
    assert Rules(**{**document, "allowed_providers": frozenset(document["allowed_providers"])}) == rules
