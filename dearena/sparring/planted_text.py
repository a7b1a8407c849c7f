"""What planted models write. The words carry no quality: the code in them does. Pure."""

from dearena.sparring.answer_code import Authored, sealed
from dearena.sparring.chance import uniform

_TOPIC_WORDS = 12

_SENTENCES = (
    "The usual way is to settle the terms before anything else.",
    "Two cases have to be told apart, and only one of them is hard.",
    "What is given fixes more than it seems at first reading.",
    "A small example shows where the obvious approach goes wrong.",
    "The remaining step follows from what was just said.",
    "It is worth checking the result against a case with a known outcome.",
    "Under the stated conditions the conclusion holds without exception.",
    "Where the question leaves room, the simpler reading was taken.",
)
_LEAST_SENTENCES = 2

_UNREADABLE = (
    "Both answers have their merits, and I lean towards the first.",
    "VERDICT: 1",
    "VERDICT 0000000000000000: 2",
    "The better answer is clear. My verdict stands above.",
)


def answer_text(seed: int, author: Authored, question: str) -> str:
    """A few sentences on the question; how many is the model's habit."""
    habit = int(uniform(seed, "length", author.model) * (len(_SENTENCES) - _LEAST_SENTENCES + 1))
    start = int(uniform(seed, "words", author.model, author.query) * len(_SENTENCES))
    sentences = [_SENTENCES[(start + step) % len(_SENTENCES)] for step in range(_LEAST_SENTENCES + habit)]
    return f"On “{_topic(question)}”: {' '.join(sentences)} ({sealed(seed, author)})"


def refusal_text(seed: int, author: Authored, question: str) -> str:
    """A model declines to answer; the code is there, so that it is known as its answer."""
    return f"I am sorry, but I cannot help with “{_topic(question)}”. ({sealed(seed, author)})"


def unreadable_text(*key: str | int) -> str:
    """A judge's reply from which no verdict can be read."""
    return _UNREADABLE[int(uniform("garbled", *key) * len(_UNREADABLE))]


def _topic(question: str) -> str:
    words = question.split()
    return " ".join(words[:_TOPIC_WORDS]) + (" …" if len(words) > _TOPIC_WORDS else "")
