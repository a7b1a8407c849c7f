"""The judge dispatcher's part of the client that is about attacks in answers: how far they persuade a judge."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from dearena.client.channel import Service
from dearena.v1 import judge_dispatcher_pb2

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

TRIAL_SECONDS: Final = 1800
"""How long a trial is waited for unless told otherwise: some 400 calls, however slow the judge."""
_CALL_SECONDS: Final = 30.0
"""Of one call to the dispatcher, which goes on with the trial when it ends."""


class AttackCalls(ABC):
    """What `ArenaClient` asks the judge dispatcher about attacks."""

    _judge_dispatcher: Service
    _votes: "JudgeDispatcherServiceAsyncStub"
    _seconds: float

    @abstractmethod
    def dimension_name(self, slug: str) -> str:
        """The resource name of a dimension."""

    async def try_attacks(
        self,
        dimension: str,
        judge: str,
        attacks: Sequence[str] = (),
        *,
        questions: int = 0,
        wait_seconds: float = TRIAL_SECONDS,
        request_id: str = "",
    ) -> judge_dispatcher_pb2.Persuasion:
        """Have a model revision judge answers that try to persuade it, and hear how many do. Its calls are paid.

        Args:
            dimension: whose template the judge is asked by.
            judge: slug@n.
            attacks: kinds of attacks by name; none: all.
            questions: that each attack is tried on; 0: 4.
            wait_seconds: of patience. The trial goes on beyond it: ask again, and what was paid is not paid again.
            request_id: makes a repetition harmless.

        Raises:
            NotInTime: the trial was not over by then.
            InvalidField: there is no such attack, or not so many questions.
            NotReady: the judge is paused.
            ModelNotActive, UnknownModel, UnknownDimension: there is nobody to ask.
            BudgetExhausted: the calls made so far are kept.
        """
        request = judge_dispatcher_pb2.TryAttacksRequest(
            dimension=self.dimension_name(dimension),
            judge=judge,
            attacks=attacks,
            questions=questions,
            request_id=request_id or uuid4().hex,
        )
        response = await self._judge_dispatcher.found(
            lambda seconds: self._votes.TryAttacks(request, timeout=seconds),
            call_seconds=_CALL_SECONDS,
            wait_seconds=wait_seconds,
        )
        return response.persuasion

    async def persuasions(self, dimension: str) -> Sequence[judge_dispatcher_pb2.Persuasion]:
        """What attacks did to each judge that was tried, by its newest trial, in judge order."""
        request = judge_dispatcher_pb2.ListPersuasionRequest(dimension=self.dimension_name(dimension))
        call = self._votes.ListPersuasion(request, timeout=self._seconds)
        return (await self._judge_dispatcher.told(call)).persuasions
