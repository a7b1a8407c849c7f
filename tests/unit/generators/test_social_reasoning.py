"""Social reasoning: stories are read from their text, and beliefs looked up backwards, from the last event on."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import check_checks, check_pool, ten_thousand


@dataclass(frozen=True)
class Event:
    """What somebody may have noticed about where the thing is."""

    place: str
    openly: frozenset[str]
    secretly: frozenset[str] = frozenset()
    liar: str = ""
    happened: bool = False


@dataclass(frozen=True)
class Story:
    people: tuple[str, ...]
    boxes: tuple[str, ...]
    events: tuple[Event, ...]

    def belief(self, *chain: str) -> str:
        """The last event that the first is aware of, in whose eyes the second is aware of it, and so on."""
        for event in reversed(self.events):
            if chain == (event.liar,):
                continue
            aware = event.openly | event.secretly if chain[0] not in event.openly else event.openly
            if chain[0] in aware and set(chain[1:]) <= event.openly:
                return event.place
        raise AssertionError(f"{chain} never noticed anything")

    @property
    def truth(self) -> str:
        return next(event.place for event in reversed(self.events) if event.happened)


NAME, BOX = r"([A-Z]\w+)", r"(\w+)"


def story_in(text: str) -> Story:
    told = text.split("\n\n", maxsplit=1)[0]
    opening = re.match(r".*?(?:room with .*?\.|are all there\.|It holds .*?\.)", told)
    assert opening
    people = tuple(re.findall(r"[A-Z]\w+", re.sub(r"In a room there|It holds", "", opening[0])))
    boxes = tuple(re.findall(r"\ba (?!room)(\w+)", opening[0]))
    present, events = set(people), []
    rest = told[opening.end() :]
    pattern = (
        rf"{NAME} (?:puts|moves) the \w+ (?:from the \w+ )?(?:in)?to the {BOX}\.|{NAME} leaves the room\.|"
        rf"{NAME} comes back into the room\.|{NAME} sends {NAME} a message: the \w+ is in the {BOX}\."
        rf"((?: {NAME} knows better: in truth \w+ believes it to be in the \w+\.)?)"
        rf"((?: {NAME} reads the message in secret, and neither \w+ nor \w+ notices\.)?)"
    )
    read = 0
    for found in re.finditer(pattern, rest):
        read += len(found[0]) + 1
        mover, box, leaver, comer, teller, hearer, said, lie, _, _, spy = found.groups()
        if mover:
            assert mover in present
            events.append(Event(box, frozenset(present), happened=True))
        elif leaver:
            present.remove(leaver)
        elif comer:
            assert comer not in present
            present.add(comer)
        else:
            assert hearer not in present
            liar = teller if lie else ""
            secretly = frozenset({spy} if spy else ())
            events.append(Event(said, frozenset((teller, hearer)), secretly, liar))
    assert read == len(rest), "each sentence was read"
    return Story(people, boxes, tuple(events))


def key_of(question: GeneratedQuestion, story: Story) -> Hashable:
    """The events and the question, whoever the people and whatever the things are."""
    told, _, asked = question.text.split("\n\n")
    numbered = {word: f"#{number}" for number, word in enumerate((*story.people, *story.boxes))}
    [thing] = set(re.findall(r"(?:puts|moves) the (\w+)", told))
    begun = told[told.index(" puts ") - 12 :]
    text = re.sub(r"\w+", lambda word: numbered.get(word[0], word[0]), f"{begun} | {re.sub(' Answer.*', '', asked)}")
    text = text.split("#", 1)[1].replace(thing, "thing")
    # One question, however it is put: who is asked about, and whether those who err are wanted.
    events, wanted = text.split(" | ")
    return (
        len(story.people),
        len(story.boxes),
        events,
        tuple(re.findall(r"#\d+", wanted)[:3]),
        "false" in wanted or "wrong" in wanted,
    )


def asked_for(question: GeneratedQuestion) -> str:
    return question.text.split("\n\n")[2]


def where(question: GeneratedQuestion) -> Hashable:
    story = story_in(question.text)
    [who] = set(re.findall("|".join(story.people), asked_for(question)))
    assert story.belief(who) == question.reference
    return key_of(question, story)


def nested(question: GeneratedQuestion) -> Hashable:
    story = story_in(question.text)
    chain = re.findall("|".join(story.people), asked_for(question))
    assert len(chain) == (3 if question.difficulty > 3 and question.category == "nested-belief" else 2)
    assert all(one != other for one, other in pairwise(chain))
    assert story.belief(*chain) == question.reference
    return key_of(question, story)


def who_errs(question: GeneratedQuestion) -> Hashable:
    story, ask = story_in(question.text), asked_for(question)
    if other := re.search(r"other than (\w+),", ask):
        found = [
            one for one in story.people if one != other[1] and story.belief(one, other[1]) != story.belief(other[1])
        ]
    elif "false" in ask or "wrong" in ask:
        found = [one for one in story.people if story.belief(one) != story.truth]
    else:
        found = [one for one in story.people if story.belief(one) == story.truth]
    assert (", ".join(sorted(found)) or "nobody") == question.reference
    return key_of(question, story)


CHECKS = {
    "moved-object": where,
    "told": where,
    "lies": where,
    "overheard": nested,
    "nested-belief": nested,
    "who-errs": who_errs,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("social-reasoning", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("social-reasoning", {name: check for name, check in CHECKS.items() if name != "who-errs"})
    errs = [question for question in ten_thousand("social-reasoning")[:500] if question.category == "who-errs"]
    for question in errs:
        with pytest.raises(AssertionError):
            who_errs(replace(question, reference=question.reference + "x"))


def test_most_questions_are_about_what_is_not_so() -> None:
    """Whoever only follows where the thing is, is wrong in half of the cases or more."""
    stories = [q for q in ten_thousand("social-reasoning")[:2_000] if q.category != "who-errs"]
    naive = sum(story_in(question.text).truth == question.reference for question in stories)
    assert naive < len(stories) / 2


START = "Ada, Ben and Cleo meet in a room. It holds a jar, a tin and a bag. Ada puts the key into the jar."


AWAY = "Ada leaves the room. Ben moves the key from the jar to the tin."
TOLD = f"{AWAY} Ben sends Ada a message: the key is in the tin."
READ = f"{TOLD} Cleo reads the message in secret, and neither Ben nor Ada notices."
LIED = (
    "Ada leaves the room. Ben sends Ada a message: the key is in the bag. Ben knows better: in truth Ben believes it "
    "to be in the jar."
)


@pytest.mark.parametrize(
    ("events", "chain", "place"),
    [
        (AWAY, ["Ada"], "jar"),
        (AWAY, ["Ben"], "tin"),
        (AWAY, ["Ben", "Ada"], "jar"),
        (AWAY, ["Ada", "Ben"], "jar"),
        (TOLD, ["Cleo", "Ada"], "jar"),
        (READ, ["Cleo", "Ada"], "tin"),
        (READ, ["Ben", "Cleo", "Ada"], "jar"),
        (LIED, ["Ada"], "bag"),
        (LIED, ["Ben"], "jar"),
        (LIED, ["Ada", "Ben"], "bag"),
        (LIED, ["Ben", "Ada", "Ben"], "bag"),
    ],
)
def test_beliefs_of_stories_that_were_thought_through_by_hand(events: str, chain: list[str], place: str) -> None:
    assert story_in(f"{START} {events}\n\nrules\n\nquestion").belief(*chain) == place
