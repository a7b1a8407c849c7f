"""What an operator may order of a dimension, until the log has taken it up. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's word.

    Attributes:
        number: of the dimension's orders, from 1; they are taken up in this order.
        kind: JUDGE_SUSPENDED, JUDGE_REINSTATED or REFINEMENT_ORDERED, as the decision that it becomes.
        judge: whom it concerns; empty for a refinement.
        reason: in the operator's words.
        calls: of a refinement.
    """

    number: int
    kind: str
    judge: str = ""
    reason: str = ""
    calls: int = 0
