"""MongoDB, through the one file that knows the driver.

Writes are acknowledged by a majority. Replacing the driver means replacing this file (docs/adr/0003).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pymongo
import pymongo.errors
from bson import Binary
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, InsertOne, ReturnDocument, UpdateOne
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from dearena import faults

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "BulkWriteFailed",
    "Collection",
    "Document",
    "DuplicateKey",
    "Index",
    "InsertOne",
    "ReturnDocument",
    "Session",
    "Store",
    "UpdateOne",
    "fault_of",
    "initiate_replica_set",
    "is_duplicate_only",
    "now",
    "once",
    "store_limit",
    "within_store_limit",
]

T = TypeVar("T")

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]
Session = AsyncIOMotorClientSession
DuplicateKey = pymongo.errors.DuplicateKeyError
BulkWriteFailed = pymongo.errors.BulkWriteError
store_limit = pymongo.timeout

DUPLICATE_KEY_CODE = 11000
ALREADY_INITIALIZED_CODE = 23
MALFORMED = "is no URL of MongoDB; in user and password, special letters are written as %XX"


@dataclass(frozen=True, slots=True)
class Index:
    """An index over `keys` in order; a key that begins with '-' is descending.

    One that is `gone` was there in earlier versions, and is dropped.
    """

    keys: tuple[str, ...]
    unique: bool = False
    partial: Document | None = None
    gone: bool = False


def now() -> datetime:
    """The time in UTC, cut to milliseconds, as it is stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Store:
    """One database."""

    def __init__(self, url: str, database: str, *, timeout_seconds: float = 2.5) -> None:
        """Nothing is connected yet. Raises InvalidField, without quoting it, where the URL is none."""
        self.timeout_seconds = timeout_seconds
        milliseconds = int(timeout_seconds * 1000)
        try:
            self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                url,
                appname="dearena",
                tz_aware=True,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                # A server that accepts and then is silent must not hold a caller for ever; bulk reads
                # stay well below this per network round trip.
                socketTimeoutMS=max(milliseconds, 20_000),
                retryWrites=True,
            )
        except (ValueError, pymongo.errors.InvalidURI):
            # The driver quotes what it could not read, which may be half a password.
            raise faults.InvalidField.of("DEARENA_MONGO_URL", MALFORMED) from None
        options: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self._database = self._client.get_database(
            database,
            codec_options=options,
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )

    def collection(self, name: str) -> Collection:
        """A collection with majority writes and reads."""
        return self._database[name]

    async def ping(self) -> None:
        """Raises StoreUnavailable unless a primary answers in time."""
        try:
            with pymongo.timeout(self.timeout_seconds):
                await self._client.admin.command("ping")
        except pymongo.errors.PyMongoError as error:
            raise faults.StoreUnavailable("the store cannot be reached; try again") from error

    async def ensure_indexes(self, indexes: Mapping[str, Sequence[Index]]) -> None:
        """Create what is missing, and drop what is gone; harmless when repeated.

        Raises:
            StoreUnavailable: the store went away meanwhile.
        """
        with _faults_told():
            for name, wanted in indexes.items():
                for index in wanted:
                    await self._ensure_index(name, index)

    async def _ensure_index(self, name: str, index: Index) -> None:
        keys = [(key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in index.keys]
        if index.gone:
            if keys in [found["key"] for found in (await self._database[name].index_information()).values()]:
                await self._database[name].drop_index(keys)
            return
        options: Document = {"unique": index.unique}
        if index.partial is not None:
            options["partialFilterExpression"] = index.partial
        await self._database[name].create_index(keys, **options)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One attempt at a transaction: committed at the end, rolled back on any exception."""
        async with await self._client.start_session() as session, session.start_transaction():
            yield session

    async def run_transaction(
        self, body: Callable[[Session], Coroutine[Any, Any, T]], *, limit_seconds: float | None = None
    ) -> T:
        """Run `body` in a transaction, again on transient errors: whatever it mints must be minted outside.

        Ends after `limit_seconds` (None: the store's limit) with an error that the rpc layer tells as
        StoreUnavailable or Conflict. The driver's own `with_transaction` would try for two minutes.
        """
        # The driver works in threads, which a cancellation does not reach: a transaction that is left in its
        # middle would stay open on the server for a minute and hold its locks. So it is always led to an
        # end, which the limit keeps near, and its caller is cancelled after that.
        work = asyncio.ensure_future(self._run_transaction(body, limit_seconds or self.timeout_seconds))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():
                with suppress(asyncio.CancelledError):  # a second one does not end it sooner
                    await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # told to nobody: who asked has gone
            raise

    async def _run_transaction(self, body: Callable[[Session], Coroutine[Any, Any, T]], limit: float) -> T:
        again = AsyncRetrying(
            retry=retry_if_exception(lambda error: _has_label(error, "TransientTransactionError")),
            stop=stop_after_delay(limit),
            wait=wait_random_exponential(multiplier=0.005, max=0.2),
            reraise=True,
        )
        with pymongo.timeout(limit):
            async with await self._client.start_session() as session:
                result: T = await again(self._attempt, session, body)
                return result

    @staticmethod
    async def _attempt(session: Session, body: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        async with session.start_transaction():
            result = await body(session)
            try:
                await session.commit_transaction()
            except pymongo.errors.PyMongoError as error:
                if not _has_label(error, "UnknownTransactionCommitResult"):
                    raise
                await session.commit_transaction()  # says what became of the first
            return result

    async def drop(self) -> None:
        """Remove the whole database; for tests and fresh starts."""
        await self._client.drop_database(self._database.name)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


async def initiate_replica_set(address: str, name: str, patience_seconds: float) -> None:
    """Make the mongod at `address` (host:port) a replica set of one, and wait until it is its primary.

    Raises:
        TimeoutError: it could not be reached, or was no primary, in time.
    """
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        f"mongodb://{address}/?directConnection=true", serverSelectionTimeoutMS=1000
    )
    config = {"_id": name, "members": [{"_id": 0, "host": address}]}
    try:
        async with asyncio.timeout(patience_seconds):
            while True:
                try:
                    if (await client.admin.command("hello")).get("isWritablePrimary"):
                        return
                    await client.admin.command("replSetInitiate", config)
                except pymongo.errors.OperationFailure as error:
                    if error.code != ALREADY_INITIALIZED_CODE:
                        raise
                    await _move_lone_member(client, address)
                except pymongo.errors.ConnectionFailure:
                    pass  # still starting
                await asyncio.sleep(0.1)
    finally:
        client.close()


async def _move_lone_member(client: AsyncIOMotorClient[Document], address: str) -> None:
    """A lone member that was started on another port does not know itself; tell it where it is now."""
    config = (await client.admin.command("replSetGetConfig"))["config"]
    [*others, member] = config["members"]
    if not others and member["host"] != address:
        member["host"] = address
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)


def _has_label(error: BaseException, label: str) -> bool:
    return isinstance(error, pymongo.errors.PyMongoError) and error.has_error_label(label)


_UNAVAILABLE = (
    pymongo.errors.ConnectionFailure,  # AutoReconnect, ServerSelectionTimeoutError, NetworkTimeout …
    pymongo.errors.ExecutionTimeout,
    pymongo.errors.WTimeoutError,
    pymongo.errors.WaitQueueTimeoutError,
)


def fault_of(error: Exception) -> faults.ArenaFault | None:
    """The fault behind a driver's error: the store is away, or somebody else wrote; None for the rest."""
    if not isinstance(error, pymongo.errors.PyMongoError):
        return None
    # The label of a retryable write says that the server steps down or stops, whatever the class of the error.
    if error.timeout or isinstance(error, _UNAVAILABLE) or _has_label(error, "RetryableWriteError"):
        return faults.StoreUnavailable("the store cannot be reached; try again")
    if _has_label(error, "TransientTransactionError"):
        return faults.Conflict("somebody else wrote at the same time; try again")
    return None


@asynccontextmanager
async def within_store_limit(store: Store, seconds: float | None = None) -> AsyncIterator[None]:
    """All store work inside ends, or raises StoreUnavailable, within the store's time limit, or one of its own."""
    with _faults_told(), pymongo.timeout(store.timeout_seconds if seconds is None else seconds):
        yield


@contextmanager
def _faults_told() -> Iterator[None]:
    try:
        yield
    except pymongo.errors.PyMongoError as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise fault from error


def is_duplicate_only(error: BulkWriteFailed) -> bool:
    """Whether a bulk insert failed on nothing but keys that were there already."""
    details = error.details or {}
    return not details.get("writeConcernErrors") and all(
        failed["code"] == DUPLICATE_KEY_CODE for failed in details.get("writeErrors", [])
    )


async def once(
    store: Store,
    results: Collection,
    request_id: str,
    request_body: bytes,
    body: Callable[[Session], Coroutine[Any, Any, bytes]],
    *,
    limit_seconds: float | None = None,
) -> bytes:
    """Run a change once for a request id, and give its stored result ever after.

    Args:
        store: where both are written.
        results: the service's own collection of results; needs no index but `_id`.
        request_id: chosen by the caller and scoped by the caller of this function (put the project
            and the method into it). Empty: the change runs without this guard.
        request_body: canonical bytes of the request, to notice an id used for something else.
        body: the change; its returned bytes are the result. Runs in the same transaction as the
            record of it, and again on transient errors.
        limit_seconds: of the transaction; None: the store's limit.

    Raises:
        RequestIdReused: the id was used with another body.
    """
    if not request_id:
        return await store.run_transaction(body, limit_seconds=limit_seconds)
    digest = hashlib.sha256(request_body).hexdigest()

    async def guarded(session: Session) -> bytes:
        if standing := await results.find_one({"_id": request_id}, session=session):
            return _result_of(standing, digest, request_id)
        result = await body(session)
        await results.insert_one(
            {"_id": request_id, "digest": digest, "result": Binary(result), "schema_version": 1, "created_at": now()},
            session=session,
        )
        return result

    try:
        return await store.run_transaction(guarded, limit_seconds=limit_seconds)
    except DuplicateKey:
        # Two calls with one id ran at once, and the other one won; or a key of the body's own is taken.
        if standing := await results.find_one({"_id": request_id}):
            return _result_of(standing, digest, request_id)
        raise


async def earlier(results: Collection, request_id: str, request_body: bytes) -> bytes | None:
    """The stored result of a request id, or None where there is none; for changes that take long to prepare.

    Args as of `once`.

    Raises:
        RequestIdReused: the id was used with another body.
    """
    if not request_id or (standing := await results.find_one({"_id": request_id})) is None:
        return None
    return _result_of(standing, hashlib.sha256(request_body).hexdigest(), request_id)


def _result_of(standing: Document, digest: str, request_id: str) -> bytes:
    if standing["digest"] != digest:
        name = request_id.rsplit("/", 1)[-1]
        raise faults.RequestIdReused(f"request_id {name!r} was used before with another body")
    return bytes(standing["result"])
