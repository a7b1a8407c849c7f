"""PromQL made of the catalogue: whoever renames a metric there renames it here.

Gauges are told by every replica that knows of them, each the same; so it is the greatest, never their sum. What a
process counts of its own is summed.
"""

from collections.abc import Sequence
from typing import Final

from services.runtime import instruments, semantics
from services.runtime.instruments import Instrument, label_of, prometheus_name

VARIABLES: Final = {
    semantics.PROJECT: "project",
    semantics.DIMENSION: "dimension",
    semantics.MODEL: "model",
    semantics.JUDGE: "judge",
    "job": "job",
}
"""The variable of a dashboard by which an attribute is chosen."""


def chosen(one: Instrument, *by: str, where: str = "") -> str:
    """A matcher of what the dashboard's variables choose, of those attributes that the metric has.

    Args:
        one: the metric.
        by: attributes whose variable the dashboard has.
        where: one more matcher.
    """
    there = (*one.attributes, "job")
    matchers = [f'{label_of(each)}=~"${VARIABLES[each]}"' for each in by if each in there]
    return "{" + ", ".join([*matchers, *([where] if where else [])]) + "}" if matchers or where else ""


def _by(attributes: Sequence[str]) -> str:
    return f" by ({', '.join(label_of(one) for one in attributes)})" if attributes else ""


def rate(one: Instrument, by: Sequence[str] = (), of: str = "") -> str:
    """Events a second, of all processes together; of a histogram, how many values."""
    name = prometheus_name(one) + ("_count" if one.buckets else "")
    return f"sum{_by(by)} (rate({name}{of}[$__rate_interval]))"


def volume(one: Instrument, by: Sequence[str] = (), of: str = "") -> str:
    """The sum of a histogram's values a second, such as tokens."""
    return f"sum{_by(by)} (rate({prometheus_name(one)}_sum{of}[$__rate_interval]))"


def grown(one: Instrument, by: Sequence[str] = (), of: str = "", over: str = "$__range") -> str:
    """By how much a counter grew in the time shown; of a histogram, how many values came.

    What a series begins with is no growth to Prometheus, and is all there is of what comes seldom. So of a series that
    was not there in the hour before, it is what it came to: a process names itself, and begins from nought.
    """
    name = prometheus_name(one) + ("_count" if one.buckets else "")
    began = f"last_over_time({name}{of}[{over}]) unless max_over_time({name}{of}[1h] offset {over})"
    return f"sum{_by(by)} (({began}) or increase({name}{of}[{over}]))"


def quantile(
    share: float, one: Instrument, by: Sequence[str] = (), of: str = "", over: str = "$__rate_interval"
) -> str:
    """Below which value so large a share of a histogram's values lies.

    Args:
        share: 0 to 1.
        one: the histogram.
        by: attributes to tell apart.
        of: a matcher.
        over: in which time before. Long, where values come seldom: a line needs two points.
    """
    buckets = f"sum by ({', '.join([*(label_of(each) for each in by), 'le'])})"
    return f"histogram_quantile({share}, {buckets} (rate({prometheus_name(one)}_bucket{of}[{over}])))"


def greatest(one: Instrument, by: Sequence[str], of: str = "") -> str:
    """A gauge that every replica tells alike."""
    return f"max{_by(by)} ({prometheus_name(one)}{of})"


def least(one: Instrument, by: Sequence[str], of: str = "") -> str:
    """A gauge of which the least is the latest knowledge."""
    return f"min{_by(by)} ({prometheus_name(one)}{of})"


def total(one: Instrument, by: Sequence[str] = (), of: str = "") -> str:
    """A gauge of which each process tells its own part."""
    return f"sum{_by(by)} ({prometheus_name(one)}{of})"


def share(part: str, whole: str) -> str:
    """One of the other, and nothing where there is no whole."""
    return f"{part} / ({whole} > 0)"


FAULT: Final = f'{label_of(instruments.RPC_STATUS)}=~"2|13|14|15"'
"""Codes of calls that failed by a fault of ours, as the alert has them."""
