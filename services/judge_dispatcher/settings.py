"""Settings of the judge dispatcher."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.runtime.settings import ServiceSettings

SECRET_LEAST_BYTES = 16


class JudgeDispatcherSettings(ServiceSettings):
    """What the judge dispatcher may hold at once, and the secret behind its codes."""

    # The key of fences and verdict codes: at least 16 bytes, the same for the life of the database,
    # for recorded replies carry its codes. A mounted file is kinder to secrets than the environment.
    installation_secret: SecretStr = SecretStr("")
    installation_secret_file: Path | None = None

    # Cells of one judge asked at once, a call each or two. The gateway has the last word by the model's own
    # concurrency: as many calls again should wait there, for a cell keeps its place until both its calls have ended.
    # Fewer hold back a judge that may be asked more, more cost memory.
    judge_cells_in_flight: int = Field(default=96, ge=1)
    # Cells of one judge held in all, over all dimensions. It should take a judge's part of a seeding round
    # (5 models, 40 queries: 240), for what finds no room waits for the ranker to ask again, a sweep later;
    # against memory, and how much work one replica keeps from another.
    judge_backlog_cells: int = Field(default=1024, ge=1)
    # Messages of all judges held at once: how many judges may hang before the others feel it, against
    # memory. Above the consumer's max_ack_pending it changes nothing.
    messages_held: int = Field(default=4096, ge=1)
    # How long one call waits for a judge before it is taken up again under the same id; it is paid once
    # all the same. Above the slowest model's time-out times its retries.
    complete_seconds: float = Field(default=600.0, gt=0)
    # How long a judge whose endpoint is left alone is waited for before its cells are failed ones: outages that
    # cost nothing against rounds that wait. Above the gateway's breaker_longest_cool_down_seconds.
    left_alone_seconds: float = Field(default=600.0, ge=0)
    # How long the first outcome waits for company before it is written: latency against writes.
    commit_linger_seconds: float = Field(default=0.05, ge=0)
    # Texts of queries and answers kept in memory; below the working set, they are fetched again and again.
    text_cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)

    def secret(self) -> bytes:
        """The installation's secret.

        Raises:
            ValueError: none is set, or it is too short to be one.
        """
        if self.installation_secret_file is not None:
            secret = self.installation_secret_file.read_bytes().strip()
        else:
            secret = self.installation_secret.get_secret_value().encode()
        if len(secret) < SECRET_LEAST_BYTES:
            raise ValueError(
                f"the installation secret has {len(secret)} bytes and needs {SECRET_LEAST_BYTES}: set "
                "DEARENA_INSTALLATION_SECRET_FILE or DEARENA_INSTALLATION_SECRET"
            )
        return secret
