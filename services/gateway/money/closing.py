"""Accounts of gateways that died: what they had spent is read from the record of calls, and what they had reserved is
free again.

Their calls that had ended cost what their records say. Those in flight may have been billed, so all that was reserved
for them counts as spent; those that had waited have no record, and cost nothing.
"""

from typing import Any, Final

import structlog

from dearena.faults import ArenaFault
from services.gateway.leases import Leases
from services.gateway.store import BUDGETS, COMPLETIONS, SUM_SECONDS
from services.runtime.store import Document, Store, within_store_limit

log = structlog.get_logger(__name__)

_ACCOUNTS: Final[Document] = {"accounts": {"$objectToArray": "$accounts"}, "uid": 1}


class DeadAccounts:
    """Closes them; to be asked after calls of dead gateways are marked as interrupted."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store = store
        self._leases = leases
        self._budgets = store.collection(BUDGETS)
        self._completions = store.collection(COMPLETIONS)

    async def close(self) -> None:
        """Close the accounts of all gateways that are dead."""
        stages: list[Document] = [{"$project": _ACCOUNTS}, {"$unwind": "$accounts"}]
        async with within_store_limit(self._store):
            found = [one async for one in self._budgets.aggregate(stages)]
        gateways = {one["accounts"]["v"]["gateway"] for one in found} - {self._leases.instance}
        dead = await self._leases.dead(gateways) if gateways else set()
        for one in found:
            account = one["accounts"]["v"]
            if account["gateway"] in dead and not await self._has_calls_in_flight(account["gateway"]):
                try:
                    await self._close(one["_id"], one["uid"], one["accounts"]["k"], account)
                except ArenaFault as fault:  # the others are closed all the same, and this one at the next look
                    log.warning(
                        "an account of a gateway that died is closed later",
                        budget=one["_id"],
                        gateway=account["gateway"],
                        error=str(fault),
                    )

    async def _has_calls_in_flight(self, gateway: str) -> bool:
        """Whether some of its calls are not marked yet."""
        async with within_store_limit(self._store):
            return await self._completions.find_one({"owner": gateway, "state": "STARTED"}, {"_id": 1}) is not None

    async def _close(self, budget: str, uid: str, name: str, account: Document) -> None:
        spent = await self._spent(uid, name)
        async with within_store_limit(self._store):
            # The number says that nothing was written to the account meanwhile.
            result = await self._budgets.update_one(
                {"_id": budget, "uid": uid, f"accounts.{name}.number": account["number"]},
                {
                    "$inc": {"spent": spent - account["spent"], "reserved": -account["reserved"]},
                    "$unset": {f"accounts.{name}": ""},
                },
            )
        if result.modified_count:
            log.info(
                "the account of a gateway that died is closed",
                budget=budget,
                gateway=account["gateway"],
                found_spent=spent - account["spent"],
                freed=account["reserved"],
            )

    async def _spent(self, uid: str, account: str) -> int:
        of_account = {"budget": uid, "account": account}
        stages: list[Any] = [
            {"$match": {"charges": {"$elemMatch": of_account}}},
            {"$unwind": "$charges"},
            {"$match": {f"charges.{name}": value for name, value in of_account.items()}},
            {"$group": {"_id": None, "spent": {"$sum": "$charges.nano_units"}}},
        ]
        async with within_store_limit(self._store, SUM_SECONDS):
            sums = [one async for one in self._completions.aggregate(stages)]
        return int(sums[0]["spent"]) if sums else 0
