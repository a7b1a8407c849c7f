"""Settings of the gateway."""

import re
from collections.abc import Callable, Mapping

from pydantic import Field, field_validator

from services.gateway.asking_again import AskingAgain
from services.gateway.key_references import KEY_VARIABLES, KeyRing
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.reach import Reach, networks
from services.gateway.retries import RetryPolicy
from services.runtime.settings import ServiceSettings

_HOST_PATTERN = re.compile(r"(\*\.)?[A-Za-z0-9_.:-]+")


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

    # So many failures in a row that speak of an endpoint, and it is left alone: fewer spare it sooner, and mistake
    # bad luck for trouble. The cool-down doubles with each probe that fails, up to the longest.
    breaker_failures: int = Field(default=10, ge=1)
    breaker_cool_down_seconds: float = Field(default=5.0, gt=0)
    breaker_longest_cool_down_seconds: float = Field(default=120.0, gt=0)

    # How often a query is asked that failed for a reason that may pass: more answers, against paying again.
    answer_attempts: int = Field(default=2, ge=1)
    # A query that failed so is asked again later, at most so many times, after pauses that double from the first to
    # the longest: 12 last some seven hours. Longer rides out longer outages; until then the model is not admitted
    # where it has other answers. What may have been billed is asked again twice, a server's own errors four times.
    answer_again_times: int = Field(default=12, ge=0)
    answer_again_pause_seconds: float = Field(default=60.0, ge=0)
    answer_again_longest_pause_seconds: float = Field(default=3600.0, ge=0)
    # A model that has not given any answer has failed when its endpoint has been left alone for so long: the models of
    # one apply are admitted in order, and wait for each other until then. Longer gives an endpoint that starts more
    # time; it is asked again, after the pauses above, all the same. Seen when a probe fails, so that up to
    # breaker_longest_cool_down_seconds come on top.
    answer_unreached_seconds: float = Field(default=60.0, ge=0)

    # How long calls that were sent may take to end at a stop, each as long as its deadline allows. What is cut off is
    # paid for, and paid again elsewhere: longer is cheaper where models take long, and makes a restart slower. The
    # grace period of a pod (terminationGracePeriodSeconds) or container must be above this and drain_seconds together.
    drain_calls_seconds: float = Field(default=60.0, ge=0)

    # A gateway that has not been heard of for so long is dead, and its calls in flight may be sent again:
    # shorter is sooner back after a kill, and surer to take a slow one for dead.
    instance_lease_seconds: float = Field(default=10.0, gt=0)

    # How long RegisterModel waits for the bus to take the news, before it says WAITING_FOR_BUS.
    announce_wait_seconds: float = Field(default=1.0, ge=0)

    # How often fixed prompts are sent to an endpoint to notice that it has changed, in seconds; the first two at
    # once. More often notices sooner, and costs four short calls a time. 0: never.
    probe_every_seconds: float = Field(default=86_400.0, ge=0)

    # YAML with prices of models that say none themselves (deploy/gateway/prices.yaml is a template); empty: such models
    # cost nothing here, and no budget holds them. Read again when it changes.
    price_file: str = ""

    # Files below it can be named by key references, by whoever may register a model; empty: none.
    key_directory: str = ""
    # Only variables of these patterns, by commas, can be named by key references (`*` stands for any characters):
    # narrower where the environment holds other secrets under such names.
    key_variables: str = ",".join(KEY_VARIABLES)
    # Which hosts a key may be sent to, as REFERENCE=HOST by commas: `env:OPENAI_API_KEY=api.openai.com`. `*` stands for
    # any characters of a reference, `*.example.com` for all hosts below example.com; of several hosts each is said by
    # itself. A key that is not among them goes nowhere. Empty: any key goes to whatever host a model's URL names,
    # so that whoever may register a model can have each key that may be named sent to a server of his own.
    key_hosts: str = ""

    # By commas. Without http, keys and prompts are never sent in the clear; models within a cluster often have
    # nothing else.
    allowed_schemes: str = "http,https"
    # Hosts that models may be reached at, by commas; `*.example.com` for all below example.com. Empty: every one.
    allowed_hosts: str = ""
    # Networks (CIDR), by commas, that may be reached though they are no part of the public internet: whoever may
    # register a model reaches what listens there. Loopback counts among them, and a cluster's own addresses.
    allow_private: str = ""
    # Certificates (PEM) of authorities that are believed besides the public ones.
    ca_file: str = ""

    @field_validator("allowed_schemes")
    @classmethod
    def _are_schemes(cls, value: str) -> str:
        if not listed(value) or not set(listed(value)) <= {"http", "https"}:
            raise ValueError("must be of http and https, one at least")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        if not all(map(_HOST_PATTERN.fullmatch, listed(value))):
            raise ValueError("must be names or addresses without a port, or *.NAME")
        return value

    @field_validator("key_hosts")
    @classmethod
    def _are_pairs(cls, value: str) -> str:
        if not all(
            re.fullmatch(r"(env:|file:/)\S*", reference) and _HOST_PATTERN.fullmatch(host)
            for reference, host in key_hosts_of(value)
        ):
            raise ValueError("must be env:NAME=HOST or file:/path=HOST, by commas")
        return value

    @field_validator("allow_private")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(listed(value))
        return value

    @field_validator("key_directory")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must be an absolute path")
        return value

    def reach(self) -> Reach:
        """Where calls may go."""
        return Reach(
            frozenset(listed(self.allowed_schemes)),
            tuple(host.lower() for host in listed(self.allowed_hosts)),
            networks(listed(self.allow_private)),
        )

    def key_ring(self, environment: Mapping[str, str], read_file: Callable[[str], str]) -> KeyRing:
        """Where keys are looked up, and which hosts they may be sent to."""
        return KeyRing(
            environment, read_file, self.key_directory, listed(self.key_variables), key_hosts_of(self.key_hosts)
        )

    def asking_again(self) -> AskingAgain:
        """When answers that failed are asked once more."""
        return AskingAgain(
            attempts=self.answer_attempts,
            times=self.answer_again_times,
            first_pause=self.answer_again_pause_seconds,
            longest_pause=self.answer_again_longest_pause_seconds,
            unreached=self.answer_unreached_seconds,
        )

    def breaker_policy(self) -> BreakerPolicy:
        """When endpoints are left alone."""
        return BreakerPolicy(
            failures=self.breaker_failures,
            cool_down=self.breaker_cool_down_seconds,
            longest_cool_down=self.breaker_longest_cool_down_seconds,
        )

    def retry_policy(self) -> RetryPolicy:
        """When and how HTTP requests are sent again."""
        return RetryPolicy(
            attempts=self.http_attempts,
            first_pause=self.http_first_pause_seconds,
            longest_pause=self.http_longest_pause_seconds,
            longest_retry_after=self.http_longest_retry_after_seconds,
        )


def key_hosts_of(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a pattern of references and one of hosts, as `key_hosts` has them; the last `=` parts them."""
    pairs = (part.rpartition("=") for part in listed(text))
    return tuple((reference.strip(), host.strip().lower()) for reference, _, host in pairs)


def listed(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part for part in map(str.strip, text.split(",")) if part)
