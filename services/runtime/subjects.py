"""Subjects of the bus. Slugs hold neither dots nor wildcards, so each stands as one token."""

EVENTS = "EVENTS"
JUDGING = "JUDGING"
DEAD_LETTERS = "DEAD_LETTERS"


def model_registered(project: str, slug: str) -> str:
    """A model, or a new revision of it, was registered."""
    return f"model.registered.{project}.{slug}"


def dimension_ready(project: str, dimension: str) -> str:
    """A dimension version has its queries."""
    return f"dimension.ready.{project}.{dimension}"


def answers_ready(project: str, dimension: str) -> str:
    """A model's answers to a dimension are recorded."""
    return f"answers.ready.{project}.{dimension}"


def judging_requested(shard: int, judge_slug: str) -> str:
    """Work for one judge, from the dimensions of one shard."""
    return f"judging.requested.{shard}.{judge_slug}"


def vote_cast(project: str, dimension: str) -> str:
    """Outcomes were written."""
    return f"vote.cast.{project}.{dimension}"


def round_closed(project: str, dimension: str) -> str:
    """Every cell of a round has an outcome."""
    return f"round.closed.{project}.{dimension}"


def insertion_settled(project: str, dimension: str) -> str:
    """A newcomer has its place."""
    return f"insertion.settled.{project}.{dimension}"


def scores_updated(project: str, dimension: str) -> str:
    """A new board is there."""
    return f"scores.updated.{project}.{dimension}"


def budget_changed(project: str, dimension: str) -> str:
    """A budget was set, removed or exhausted; of one without a dimension, `_` stands in its place."""
    return f"budget.changed.{project}.{dimension or '_'}"


def order_given(project: str, dimension: str) -> str:
    """An operator's order was kept, by a ranker of another shard."""
    return f"order.given.{project}.{dimension}"


def dead_letter(durable: str) -> str:
    """Messages that a consumer could not take."""
    return f"dead.{durable}"


def template_of(subject: str) -> str:
    """The subject with its variable tokens named, for span names of low cardinality."""
    match subject.split("."):
        case ["judging", "requested", *_]:
            return "judging.requested.{shard}.{judge}"
        case [noun, verb, *rest] if rest:
            return f"{noun}.{verb}.{{project}}.{{name}}"
        case _:
            return subject
