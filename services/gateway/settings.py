"""Settings of the gateway."""

from pydantic import Field, field_validator

from services.gateway.retries import RetryPolicy
from services.runtime.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """What can be set of the gateway, besides what every service has."""

    # HTTP requests for one call, the first included: more ride out longer troubles, and hold a slot for longer.
    http_attempts: int = Field(default=4, ge=1)
    # Pause after the first failed attempt, doubling up to the longest: shorter is sooner back, and less polite.
    http_first_pause_seconds: float = Field(default=0.5, ge=0)
    http_longest_pause_seconds: float = Field(default=8.0, ge=0)
    # An endpoint that asks by Retry-After for more patience than this has failed.
    http_longest_retry_after_seconds: float = Field(default=60.0, ge=0)
    # How long a connection may take; within the model's own time-out.
    http_connect_seconds: float = Field(default=10.0, gt=0)
    # A longer reply is unreadable. Texts are kept and sent on, so this bounds documents and messages too:
    # no more than 8 MiB, for the store takes no document of more than 16.
    http_reply_limit_bytes: int = Field(default=2 * 1024 * 1024, ge=1024, le=8 * 1024 * 1024)

    # How often a query is asked that failed for a reason that may pass: more answers, against paying again.
    answer_attempts: int = Field(default=2, ge=1)

    # A gateway that has not been heard of for so long is dead, and its calls in flight may be sent again:
    # shorter is sooner back after a kill, and surer to take a slow one for dead.
    instance_lease_seconds: float = Field(default=10.0, gt=0)

    # How long RegisterModel waits for the bus to take the news, before it says WAITING_FOR_BUS.
    announce_wait_seconds: float = Field(default=1.0, ge=0)

    # Only files below it can be named by key references; empty: any file that the process can read, so
    # that whoever may register a model can have any one-line file sent to an endpoint.
    key_directory: str = ""

    @field_validator("key_directory")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must be an absolute path")
        return value

    def retry_policy(self) -> RetryPolicy:
        """When and how HTTP requests are sent again."""
        return RetryPolicy(
            attempts=self.http_attempts,
            first_pause=self.http_first_pause_seconds,
            longest_pause=self.http_longest_pause_seconds,
            longest_retry_after=self.http_longest_retry_after_seconds,
        )
