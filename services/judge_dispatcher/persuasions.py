"""What trials of attacks found out about a judge, as it is stored: each attack by its newest trial of a kind. Pure.

Trials with the same corpus and the same questions are of a kind, and only what they say of one attack is replaced by
the next one: a small trial takes nothing from a large one, and shares of different questions are never put together.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dearena.attacks.corpus import NAMES
from dearena.attacks.trials import AttackTally
from dearena.v1.common_pb2 import Money
from dearena.v1.judge_dispatcher_pb2 import AttackResult, Persuasion
from services.runtime.store import Document

_OF_A_KIND: Final = ("template", "corpus", "questions", "judge_calls", "cost_nano_units", "currency", "tried_at")
"""Fields of a trial that its kind has too, each as the newest trial says it."""


def attack_document(tally: AttackTally) -> Document:
    """One attack's part of a trial."""
    return {
        "attack": tally.attack,
        "readable": tally.attacked.readable,
        "persuaded": tally.attacked.persuaded,
        "plain_readable": tally.plain.readable,
        "plain_persuaded": tally.plain.persuaded,
        "unreadable": tally.attacked.unreadable,
        "failed": tally.attacked.failed,
    }


def kept(trial: Mapping[str, Any]) -> Document:
    """Fields by path that a trial sets in its judge's document."""
    kind = f"trials.{trial['corpus']}/{trial['questions']}"
    return {
        **{f"{kind}.{name}": trial[name] for name in _OF_A_KIND},
        **{f"{kind}.attacks.{attack['attack']}": attack for attack in trial["attacks"]},
    }


def persuasions_of(document: Mapping[str, Any]) -> Sequence[Persuasion]:
    """What a judge's document says: one a corpus and number of questions, in this order.

    Earlier versions kept one trial, the newest, at the top of the document. It stands for what no trial of its kind
    has said since.
    """
    kinds = {(kind["corpus"], kind["questions"]): dict(kind) for kind in document.get("trials", {}).values()}
    if early := document.get("attacks"):
        attacks = {attack["attack"]: attack for attack in early}
        kind = kinds.setdefault((document["corpus"], document["questions"]), {**document, "attacks": {}})
        kind["attacks"] = attacks | kind["attacks"]
    return [
        persuasion_of({**kind, "judge": document["judge"], "attacks": _in_order(kind["attacks"])})
        for _, kind in sorted(kinds.items())
    ]


def _in_order(attacks: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """As the corpus has them; of one that it no longer has, behind those."""
    places = {name: place for place, name in enumerate(NAMES)}
    return sorted(attacks.values(), key=lambda attack: (places.get(attack["attack"], len(places)), attack["attack"]))


def persuasion_of(trial: Mapping[str, Any]) -> Persuasion:
    """A trial, or several of a kind, as they are told."""
    persuasion = Persuasion(
        judge=trial["judge"],
        template=trial["template"],
        attacks=[AttackResult(**attack) for attack in trial["attacks"]],
        corpus=trial["corpus"],
        questions=trial["questions"],
        judge_calls=trial["judge_calls"],
        cost=Money(currency=trial["currency"], nano_units=trial["cost_nano_units"]) if trial["currency"] else None,
    )
    persuasion.time.FromDatetime(trial["tried_at"])
    return persuasion
