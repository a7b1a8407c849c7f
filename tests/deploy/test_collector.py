"""Which traces the collector keeps, and that what it keeps in memory fits there."""

from pathlib import Path
from typing import Any, Final

import yaml

from services.runtime import semantics
from services.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
CONFIG: Final[dict[str, Any]] = yaml.safe_load(
    (ROOT / "deploy" / "observability" / "collector.yaml").read_text("utf-8")
)
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SAMPLING: Final[dict[str, Any]] = CONFIG["processors"]["tail_sampling"]

MIB = 1 << 20
CELL_BYTES = 2_826 * 4
"""Of a cell's trace in memory: 2,826 on the wire as measured over 656 cells, and four times that as Go has it."""
CELLS_A_MESSAGE = 8
DAY_SECONDS = 86_400


def policy(name: str) -> dict[str, Any]:
    [found] = [one for one in SAMPLING["policies"] if one["name"] == name]
    return dict(found)


def test_traces_are_bounded_in_memory_before_they_are_chosen_and_chosen_before_they_are_sent() -> None:
    pipeline = CONFIG["service"]["pipelines"]["traces"]
    assert pipeline["processors"] == ["memory_limiter", "tail_sampling", "batch"]
    assert pipeline["receivers"] == ["otlp"]


def test_metrics_are_not_sampled() -> None:
    assert "tail_sampling" not in CONFIG["service"]["pipelines"]["metrics"]["processors"]


def test_whatever_a_pipeline_names_is_there() -> None:
    for pipeline in CONFIG["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(CONFIG[kind])
    assert set(CONFIG["service"]["extensions"]) <= set(CONFIG["extensions"])


def test_insertions_are_kept_by_what_the_services_write_on_their_spans() -> None:
    kept = policy("insertions")
    assert kept["type"] == "string_attribute"
    assert kept["string_attribute"]["key"] == semantics.TRACE
    assert set(kept["string_attribute"]["values"]) == {semantics.INSERTION, semantics.SELECTION}


def test_failed_and_slow_traces_are_kept_and_a_share_of_the_others() -> None:
    errors, limit = policy("failed")["and"]["and_sub_policy"]
    assert errors["status_code"]["status_codes"] == ["ERROR"]
    # The limit comes second: it is to count failures only.
    assert limit["rate_limiting"]["spans_per_second"] >= 100
    assert policy("slow")["latency"]["threshold_ms"] < 1_000 * seconds(SAMPLING["decision_wait"])
    assert 0 < policy("share")["probabilistic"]["sampling_percentage"] < 100


def test_no_policy_can_lose_what_another_keeps() -> None:
    # Those that only keep: a `drop` policy, or one that matches inverted, would decide against all others.
    assert {one["type"] for one in SAMPLING["policies"]} == {"string_attribute", "and", "latency", "probabilistic"}
    assert "invert_match" not in str(SAMPLING)


def test_traces_that_wait_fit_the_memory_that_the_collector_may_take() -> None:
    limiter = CONFIG["processors"]["memory_limiter"]
    soft = (limiter["limit_mib"] - limiter["spike_limit_mib"]) * MIB
    assert SAMPLING["num_traces"] * CELL_BYTES < soft
    granted = COMPOSE["services"]["collector"]["deploy"]["resources"]["limits"]["memory"]
    assert limiter["limit_mib"] * MIB < int(granted.removesuffix("M")) * 1_000_000


def test_a_million_cells_a_day_wait_in_a_fraction_of_that() -> None:
    traces_a_second = 1_000_000 / DAY_SECONDS * (1 + 1 / CELLS_A_MESSAGE)
    assert traces_a_second * seconds(SAMPLING["decision_wait"]) < SAMPLING["num_traces"] / 10


def test_metrics_have_the_names_that_the_catalogue_tells() -> None:
    exporter = CONFIG["exporters"]["prometheus"]
    # As services/runtime/instruments.py makes names; another strategy leaves the units away, or the dots in.
    assert exporter["translation_strategy"] == "UnderscoreEscapingWithSuffixes"
    assert "namespace" not in exporter
    assert not exporter.get("resource_to_telemetry_conversion", {}).get("enabled", False)


def test_a_process_is_missed_after_some_exports_that_did_not_come_and_before_anybody_is_woken() -> None:
    kept = 60 * float(CONFIG["exporters"]["prometheus"]["metric_expiration"].removesuffix("m"))
    assert 3 * ServiceSettings.model_fields["metrics_seconds"].default <= kept <= 5 * 60


def test_its_health_is_told_where_probes_ask() -> None:
    # The chart's probes ask at this port, as compose does.
    assert "health_check" in CONFIG["service"]["extensions"]
    assert CONFIG["extensions"]["health_check"]["endpoint"] == "0.0.0.0:13133"


def test_services_are_told_apart_by_prometheus() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy/observability/prometheus/prometheus.yml").read_text("utf-8"))
    # Otherwise all that the collector hands on would have its own job and instance.
    assert [job["honor_labels"] for job in prometheus["scrape_configs"]] == [True]


def test_services_leave_the_choice_to_the_collector() -> None:
    assert ServiceSettings.model_fields["trace_ratio"].default == 1.0
    assert not [name for name in COMPOSE["x-environment"] if name == "DEARENA_TRACE_RATIO"]


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))
