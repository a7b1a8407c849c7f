"""A real mongod that takes TLS alone, and our store by the URL that the operator of a cluster writes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest

from dearena.faults import StoreUnavailable
from dearena.local import ports, servers
from services.runtime.store import Store
from tests.fixtures.certificates import Authority
from tests.fixtures.waiting import eventually


@dataclass(frozen=True)
class Guarded:
    """A member of a replica set of one."""

    port: int
    authority: Authority

    def url(self, ca_file: Path | None = None, *, tls: bool = True) -> str:
        """As the operator writes it, with the file that services have their authority in."""
        more = f"&ssl=true&tlsCAFile={ca_file or self.authority.file}" if tls else "&ssl=false"
        return f"mongodb://localhost:{self.port}/admin?replicaSet=rs0{more}"


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    authority, port = Authority(tmp_path), ports.free_port()
    own = authority.issue("mongo", "localhost")
    together = tmp_path / "mongo.pem"
    together.write_text(Path(own.cert_file).read_text() + Path(own.key_file).read_text())
    data = tmp_path / "data"
    data.mkdir()
    command = [
        *servers.mongod_command(servers.find_mongod(), data, port),
        *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(together), "--tlsCAFile", str(authority.file)),
        "--tlsAllowConnectionsWithoutCertificates",
    ]
    server = servers.Server("mongod", command, tmp_path / "mongod.log", lambda: servers.accepts(port))
    await server.start()
    member = Guarded(port, authority)
    alone = f"mongodb://localhost:{port}/?directConnection=true&tls=true&tlsCAFile={authority.file}"
    with pymongo.MongoClient(alone, serverSelectionTimeoutMS=10_000) as client:  # type: ignore[var-annotated]
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": f"localhost:{port}"}]})

        async def is_primary() -> bool:
            return bool(client.admin.command("hello")["isWritablePrimary"])

        await eventually(is_primary)
    yield member
    server.stop()


async def test_it_is_written_to_in_a_transaction(guarded: Guarded) -> None:
    store = Store(guarded.url(), "dearena")
    try:
        await store.ping()
        async with store.transaction() as session:
            await store.collection("models").insert_one({"_id": "kappa"}, session=session)
        assert await store.collection("models").find_one({"_id": "kappa"}) is not None
    finally:
        store.close()


@pytest.mark.parametrize("how", ["without TLS", "with another authority"])
async def test_whoever_is_not_sure_of_it_hears_that_it_is_away(guarded: Guarded, how: str, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    url = guarded.url(stranger.file) if how == "with another authority" else guarded.url(tls=False)
    store = Store(url, "dearena", timeout_seconds=1.0)
    try:
        with pytest.raises(StoreUnavailable):
            await store.ping()
    finally:
        store.close()
