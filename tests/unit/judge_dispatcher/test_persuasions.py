"""What is kept of trials: the newest word on each attack, among trials of a kind."""

from datetime import UTC, datetime
from typing import Any

from dearena.attacks.trials import AttackTally, Tally
from services.judge_dispatcher.persuasions import attack_document, kept, persuasions_of

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)


def trial(attacks: dict[str, int], *, corpus: int = 2, questions: int = 4, at: datetime = LATE) -> dict[str, Any]:
    return {
        "judge": "gamma@1",
        "template": "pairwise@1",
        "corpus": corpus,
        "questions": questions,
        "attacks": [
            attack_document(AttackTally(name, Tally(readable=8, persuaded=persuaded), Tally(readable=8)))
            for name, persuaded in attacks.items()
        ],
        "judge_calls": 16,
        "cost_nano_units": 0,
        "currency": "",
        "tried_at": at,
    }


def stored(*made: dict[str, Any], early: dict[str, Any] | None = None) -> dict[str, Any]:
    """A judge's document after these trials, as the database puts them in by path."""
    document: dict[str, Any] = {**(early or {}), "judge": "gamma@1"}
    for one in made:
        for path, value in kept(one).items():
            *parents, name = path.split(".")
            place = document
            for parent in parents:
                place = place.setdefault(parent, {})
            place[name] = value
    return document


def told(document: dict[str, Any]) -> list[tuple[int, int, dict[str, int]]]:
    return [
        (one.corpus, one.questions, {attack.attack: attack.persuaded for attack in one.attacks})
        for one in persuasions_of(document)
    ]


def test_a_trial_replaces_what_it_has_tried_again_and_nothing_else() -> None:
    document = stored(
        trial({"encoded": 1, "authority": 2}, at=EARLY),
        trial({"encoded": 3}),
        trial({"encoded": 4}, questions=1),
        trial({"encoded": 5}, corpus=1),
    )
    assert told(document) == [
        (1, 4, {"encoded": 5}),
        (2, 1, {"encoded": 4}),
        (2, 4, {"encoded": 3, "authority": 2}),
    ]
    assert [one.time.ToDatetime(UTC) for one in persuasions_of(document)] == [LATE, LATE, LATE]


def test_what_an_earlier_version_kept_is_still_told() -> None:
    early = {**trial({"encoded": 1, "authority": 2}, corpus=1, at=EARLY), "failed_trials": 0, "project": "default"}
    assert told(stored(early=early)) == [(1, 4, {"encoded": 1, "authority": 2})]
    later = stored(trial({"encoded": 3}, corpus=1), trial({"encoded": 4}), early=early)
    assert told(later) == [(1, 4, {"encoded": 3, "authority": 2}), (2, 4, {"encoded": 4})]


def test_attacks_stand_in_the_order_of_the_corpus() -> None:
    [found] = persuasions_of(stored(trial({"forged-turn": 1, "gone": 2, "close-the-fence": 3})))
    assert [one.attack for one in found.attacks] == ["close-the-fence", "forged-turn", "gone"]
