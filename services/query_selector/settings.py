"""Settings of the query selector."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class QuerySelectorSettings(ServiceSettings):
    """What a question pool may cost."""

    # A pool is held in memory until it is stored: larger pools against the memory of a call.
    pool_max_bytes: int = Field(default=256 * 1024 * 1024, gt=0)
    pool_max_questions: int = Field(default=250_000, gt=0)
    # How long a pool may take to arrive; a caller that falls silent is let go after this.
    pool_seconds: float = Field(default=300.0, gt=0)
    # Questions of an upload that never became a dimension are removed after this. Longer than the
    # slowest upload, or that one fails at its end.
    abandoned_seconds: float = Field(default=3600.0, gt=0)
    # How often a selection looks at its pilot: sooner done against idle calls.
    selection_poll_seconds: float = Field(default=1.0, gt=0)
    # How long a model of a pilot may fail to answer before the pilot is made anew without it. Longer than
    # an endpoint is away for a restart.
    selection_patience_seconds: float = Field(default=600.0, gt=0)
