"""Social reasoning: who knows what, who believes what, and who believes what about others' beliefs. Pure.

A story is a list of events in a house. `_Minds` keeps what everybody believes, and believes others to believe,
about where a thing is: an event changes a chain of people (what A thinks that B thinks) when everybody in it
is aware of the event and of the others' being aware of it.
"""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import Draft, Kind

_PEOPLE: Final = ("Amara", "Bilal", "Chloe", "Davit", "Elif", "Farid", "Greta", "Hiro", "Ingrid", "Jonas")
_THINGS: Final = ("key", "letter", "coin", "ring", "photo", "ticket", "watch", "seal")
_BOXES: Final = ("basket", "drawer", "chest", "jar", "bag", "cupboard", "tin", "crate")

_RULES: Final = (
    "These rules hold. Whoever is in the room sees and hears all that happens there, and sees who else is there; "
    "whoever is not, notices nothing of it. The {b} are closed: nobody knows what is inside without having seen it put "
    "there or being told. Messages reach their receiver outside the room, and nobody else learns of them unless it is "
    "said. Everybody believes what they saw, were told or overheard last, takes every statement for honest, and knows "
    "these rules."
)


class _Minds:
    """Beliefs about one thing's place, by chains of up to three people."""

    def __init__(self, people: Sequence[str]) -> None:
        self.place = ""
        self.present = set(people)
        chains = [chain for length in (1, 2, 3) for chain in product(people, repeat=length)]
        self.belief = dict.fromkeys((c for c in chains if all(a != b for a, b in pairwise(c))), "")

    def move(self, place: str) -> None:
        """The thing is put somewhere, before everybody in the room."""
        self.place = place
        self._learn(self.present, set(), place)

    def tell(self, teller: str, hearer: str, place: str, *, spy: str = "", lie: bool = False) -> None:
        """A message, which `spy` reads without anybody's knowing it. Who lies goes on believing what they did."""
        own = self.belief[teller,]
        self._learn({teller, hearer}, {spy} - {""}, place)
        if lie:
            self.belief[teller,] = own

    def _learn(self, openly: set[str], secretly: set[str], place: str) -> None:
        for chain in self.belief:
            if chain[0] in openly | secretly and all(one in openly for one in chain[1:]):
                self.belief[chain] = place


class _Story:
    """A house, its people, and the sentences of what happened."""

    def __init__(self, draws: Draws, level: int) -> None:
        self.draws = draws
        self.people = draws.sample(_PEOPLE, 3 if level < 3 else 4)
        self.thing = draws.pick(_THINGS)
        self.boxes = draws.sample(_BOXES, 3 if level < 4 else 4)
        self.minds = _Minds(self.people)
        self.sentences: list[str] = []
        self.events: list[tuple[object, ...]] = []
        self._put(self.people[0], self.boxes[0])

    def _put(self, who: str, box: str) -> None:
        told = f"{who} puts the {self.thing} into the {box}." if not self.minds.place else ""
        self._tell(told or f"{who} moves the {self.thing} from the {self.minds.place} to the {box}.", "put", who, box)
        self.minds.move(box)

    def _tell(self, sentence: str, *event: object) -> None:
        self.sentences.append(sentence)
        self.events.append(event)

    def move(self) -> bool:
        """Somebody in the room moves the thing; not when the room is empty."""
        present = [one for one in self.people if one in self.minds.present]
        if not present:
            return False
        self._put(self.draws.pick(present), self.draws.pick([box for box in self.boxes if box != self.minds.place]))
        return True

    def go(self) -> bool:
        """Somebody leaves the room or comes back."""
        who = self.draws.pick(self.people)
        if who in self.minds.present:
            self._tell(f"{who} leaves the room.", "leave", who)
        else:
            self._tell(f"{who} comes back into the room.", "enter", who)
        self.minds.present ^= {who}
        return True

    def message(self, *, overheard: bool = False, lie: bool = False) -> bool:
        """Somebody tells somebody outside the room where the thing is, or says so falsely."""
        outside = [one for one in self.people if one not in self.minds.present]
        if not outside:
            return False
        hearer = self.draws.pick(outside)
        others = [one for one in self.people if one != hearer]
        teller, spy = self.draws.sample(others, 2)
        held = self.minds.belief[teller,]
        place = self.draws.pick([box for box in self.boxes if box != held]) if lie else held
        said = f"{teller} sends {hearer} a message: the {self.thing} is in the {place}."
        if lie:
            said += f" {teller} knows better: in truth {teller} believes it to be in the {held}."
        if overheard:
            said += f" {spy} reads the message in secret, and neither {teller} nor {hearer} notices."
        self._tell(said, "message", teller, hearer, place, spy if overheard else "", lie)
        self.minds.tell(teller, hearer, place, spy=spy if overheard else "", lie=lie)
        return True

    def draft(self, category: str, question: str, form: str, reference: str, asked: Sequence[object]) -> Draft:
        """The question about this story; its key has people and boxes by number."""
        numbers: dict[str, int] = {}
        for word in (*self.people, *self.boxes):
            numbers[word] = len(numbers)
        key = tuple(tuple(numbers.get(str(part), part) for part in event) for event in [*self.events, tuple(asked)])
        everyone = ", ".join(self.people[:-1]) + f" and {self.people[-1]}"
        listed = ", ".join(f"a {box}" for box in self.boxes[:-1]) + f" and a {self.boxes[-1]}"
        start = self.draws.pick(
            (
                f"{everyone} are together in a room with {listed}.",
                f"In a room there are {listed}. {everyone} are all there.",
                f"{everyone} meet in a room. It holds {listed}.",
            )
        )
        told = f"{start} {' '.join(self.sentences)}"
        text = f"{told}\n\n{_RULES.format(b='containers')}\n\n{question} {form}"
        return Draft(category, text, reference, key)


_ONE_WORD: Final = "Answer with the name of the container only, such as drawer."
_NAMES: Final = "Answer with the names in alphabetical order, separated by commas, or with nobody."


def _told(draws: Draws, level: int, *, messages: int, overheard: bool = False, lie: bool = False) -> _Story | None:
    """A story of moves, comings and goings, with so many messages; None when none of its kind came about."""
    story = _Story(draws, level)
    length = 3 + level + messages
    special = messages
    for step in range(length):
        due = special > 0 and draws.chance(special, length - step)
        if due and story.message(overheard=overheard, lie=lie):
            special -= 1
        elif draws.chance(1, 2) or not story.move():
            story.go()
    moved = sum(event[0] == "put" for event in story.events) > 1
    return story if moved and special == 0 else None


def _ask_first_order(draws: Draws, story: _Story, category: str) -> Draft:
    """Where one of them believes the thing to be; someone who errs, if there is one."""
    belief = story.minds.belief
    wrong = [one for one in story.people if belief[one,] != story.minds.place]
    who = draws.pick(wrong if wrong and draws.chance(2, 3) else story.people)
    ask = draws.pick(
        (
            f"Where will {who} look for the {story.thing} first?",
            f"In which container does {who} believe the {story.thing} to be at the end?",
            f"{who} is asked at the end where the {story.thing} is. Which container does {who} honestly name?",
        )
    )
    return story.draft(category, ask, _ONE_WORD, belief[who,], ("where", who))


def moved_object(draws: Draws, level: int) -> Draft | None:
    """A thing is moved while some are away: where does one of them look for it?"""
    story = _told(draws, level, messages=0)
    return None if story is None else _ask_first_order(draws, story, "moved-object")


def told(draws: Draws, level: int) -> Draft | None:
    """Some who are away get messages, which may be out of date by the end."""
    story = _told(draws, level, messages=1 + level // 3)
    return None if story is None else _ask_first_order(draws, story, "told")


def lies(draws: Draws, level: int) -> Draft | None:
    """Someone is told what is not so; the teller's own belief stays, and so does the truth."""
    story = _told(draws, level, messages=1 + level // 4, lie=True)
    return None if story is None else _ask_first_order(draws, story, "lies")


def overheard(draws: Draws, level: int) -> Draft | None:
    """A message is read by a third one in secret: what does one think that another thinks?"""
    story = _told(draws, level, messages=1 + level // 4, overheard=True)
    return None if story is None else _ask_nested(draws, story, "overheard", 2)


def nested_belief(draws: Draws, level: int) -> Draft | None:
    """Beliefs about beliefs: of two people up to level 3, of three beyond."""
    story = _told(draws, level, messages=level // 2)
    return None if story is None else _ask_nested(draws, story, "nested-belief", 2 if level < 4 else 3)


def _ask_nested(draws: Draws, story: _Story, category: str, depth: int) -> Draft:
    belief = story.minds.belief
    chains = [chain for chain in belief if len(chain) == depth and len(set(chain)) == depth]
    telling = [chain for chain in chains if len({belief[chain[i:]] for i in range(depth)}) > 1]
    chain = draws.pick(telling if telling and draws.chance(4, 5) else chains)
    thinks = "".join(
        f"{one} think that " if not place else f"{one} thinks that " for place, one in enumerate(chain[:-1])
    )
    ask = draws.pick(
        (
            f"Where, at the end, does {thinks}{chain[-1]} will look for the {story.thing}?",
            f"In which container, at the end, does {thinks}{chain[-1]} believes the {story.thing} to be?",
        )
    )
    return story.draft(category, ask, _ONE_WORD, belief[chain], ("nested", *chain))


def who_errs(draws: Draws, level: int) -> Draft | None:
    """All who are wrong, or all who know, or all who rightly say what another believes."""
    story = _told(draws, level, messages=1 + level // 3, lie=draws.chance(1, 3), overheard=level > 2)
    if story is None:
        return None
    belief, place = story.minds.belief, story.minds.place
    other = draws.pick(story.people)
    sort, _thing = draws.between(0, 1 if level < 3 else 2), f"the {story.thing}"
    if sort == 0:
        found = [one for one in story.people if belief[one,] != place]
        ask = draws.pick(
            (
                f"Who is wrong at the end about where the {story.thing} is?",
                f"Whose belief about the {story.thing}'s place is false at the end?",
            )
        )
    elif sort == 1:
        found = [one for one in story.people if belief[one,] == place]
        ask = draws.pick(
            (
                f"Who is right at the end about where the {story.thing} is?",
                f"Whose belief about the {story.thing}'s place is true at the end?",
            )
        )
    else:
        found = [one for one in story.people if one != other and belief[one, other] != belief[other,]]
        ask = f"Who, other than {other}, is wrong at the end about where {other} believes the {story.thing} to be?"
    reference = ", ".join(sorted(found)) or "nobody"
    return story.draft("who-errs", ask, _NAMES, reference, (sort, other if sort == 2 else ""))


KIND: Final = Kind(
    slug="social-reasoning",
    version=1,
    families=(moved_object, told, lies, overheard, nested_belief, who_errs),
)
