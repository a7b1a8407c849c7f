"""Alerts ask for metrics that exist, say what is so by labels that they have, and each has its page."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from grpc import StatusCode

from services.runtime import instruments
from services.runtime.instruments import prometheus_name
from tests.fixtures import promql
from tests.fixtures.promtool import needs_promtool, promtool

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/observability/alerts"
RUNBOOKS = ROOT / "docs/operations/runbooks"
FILES = sorted(ALERTS.glob("*.yaml"))
CASES = sorted((ALERTS / "tests").glob("*.yaml"))
BASE = '{{ or $externalLabels.runbooks "docs/operations/runbooks" }}'


class Alert(NamedTuple):
    """One rule, and where it stands."""

    file: Path
    rule: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.rule["alert"])

    @property
    def page(self) -> str:
        """The name of its page: InsertionStuck has insertion-stuck."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.name).lower()


ALL = [
    Alert(file, rule)
    for file in FILES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
each = pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)


def test_what_an_operator_must_be_told_of_has_an_alert() -> None:
    # The list of what was promised; an alert that goes must go from here as well.
    promised = {"InsertionStuck", "JudgeSuspended", "BudgetNearEnd", "DeadLetters", "QueueLags", "NoVotes"}
    promised |= {"ServiceDown", "CallsFail", "EndpointLeftAlone", "BoardLags", "OutboxGrows", "ProviderFails"}
    promised |= {"StoreAway", "CertificateEnds"}
    assert promised <= {alert.name for alert in ALL}


def test_no_two_alerts_have_a_name() -> None:
    names = [alert.name for alert in ALL]
    assert len(names) == len(set(names))


@each
def test_an_alert_asks_for_what_there_is(alert: Alert) -> None:
    expression = promql.parse(alert.rule["expr"])
    promql.labels_of(expression)
    assert promql.series_of(expression)


@each
def test_an_alert_says_all_that_must_be_said(alert: Alert) -> None:
    assert set(alert.rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert alert.rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert.rule["annotations"]) == {"summary", "description", "runbook_url"}


@each
def test_what_an_alert_says_has_labels_that_it_has(alert: Alert) -> None:
    labels = promql.labels_of(promql.parse(alert.rule["expr"]))
    assert labels is not None
    said = " ".join(alert.rule["annotations"].values())
    named = set(re.findall(r"\$labels\.(\w+)", said))
    assert named <= labels, f"{alert.name} has no {named - labels}"
    assert labels - {"instance"} <= named, f"{alert.name} does not say which {labels - named}"


@each
def test_an_alert_waits_unless_what_it_tells_cannot_pass_by_itself(alert: Alert) -> None:
    # These two look back over a time of their own.
    assert ("for" in alert.rule) != (alert.name in {"DeadLetters", "JudgeSuspended"})


@each
def test_an_alert_waits_long_enough_for_what_passes_and_not_longer(alert: Alert) -> None:
    if "for" not in alert.rule:
        return
    minutes = int(alert.rule["for"].removesuffix("m"))
    # A rolling update takes a service a minute or two; whoever is woken should be woken in time.
    bounds = {"critical": (2, 5), "warning": (5, 15)}
    least, most = bounds[alert.rule["labels"]["severity"]]
    assert least <= minutes <= most
    means = " ".join((RUNBOOKS / f"{alert.page}.md").read_text().partition("## What users see")[0].split())
    said = {"for ten minutes": 10, "for a quarter of an hour and longer": 15}
    for words, number in said.items():
        assert words not in means or minutes == number, f"the page says {words}"


@each
def test_an_alert_has_a_page_that_tells_all(alert: Alert) -> None:
    assert alert.rule["annotations"]["runbook_url"] == f"{BASE}/{alert.page}.md"
    page = (RUNBOOKS / f"{alert.page}.md").read_text()
    assert page.startswith(f"# {alert.name}\n")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["What it means", "What users see", "How to look", "How to mend", "How to tell it is over"]


def test_every_page_is_of_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"} == {alert.page for alert in ALL}


def test_the_list_of_pages_is_whole() -> None:
    linked = re.findall(r"^\| \[(\w+)\]\((.+?)\.md\) \| (\w+) \|", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert sorted(linked) == sorted((alert.name, alert.page, alert.rule["labels"]["severity"]) for alert in ALL)


def test_calls_that_fail_are_those_that_a_caller_can_do_nothing_about() -> None:
    (alert,) = (alert for alert in ALL if alert.name == "CallsFail")
    (codes,) = re.findall(r'rpc_grpc_status_code=~"([\d|]+)"', alert.rule["expr"])
    ours = (StatusCode.UNKNOWN, StatusCode.INTERNAL, StatusCode.UNAVAILABLE, StatusCode.DATA_LOSS)
    assert set(codes.split("|")) == {str(code.value[0]) for code in ours}
    page = (RUNBOOKS / "calls-fail.md").read_text()
    assert all(code.name in page for code in ours)


def test_the_database_is_missed_by_what_the_gateway_reads_there_and_says_always() -> None:
    (alert,) = (alert for alert in ALL if alert.name == "StoreAway")
    assert instruments.OUTBOX_WAITING.services == ("gateway",)
    assert prometheus_name(instruments.OUTBOX_WAITING) in promql.series_of(promql.parse(alert.rule["expr"]))


def test_a_certificate_has_half_its_time_to_be_renewed_when_somebody_hears_of_it() -> None:
    (alert,) = (alert for alert in ALL if alert.name == "CertificateEnds")
    certificates = (ROOT / "deploy/kubernetes/components/mtls/certificates.yaml").read_text()
    least = min(int(one["spec"]["renewBefore"].removesuffix("h")) for one in yaml.safe_load_all(certificates))
    assert 3_600 * 24 * 7 <= int(alert.rule["expr"].rpartition("<")[2]) < 3_600 * least / 2


def test_judging_is_nearly_full_by_what_its_stream_holds() -> None:
    topology = yaml.safe_load((ROOT / "deploy/nats/topology.yaml").read_text())
    (most,) = (stream["max_msgs"] for stream in topology["streams"] if stream["name"] == "JUDGING")
    (alert,) = (alert for alert in ALL if alert.name == "JudgingNearlyFull")
    assert int(alert.rule["expr"].rpartition(">")[2]) == most * 3 // 4


def test_every_alert_is_tried_and_with_it_that_it_keeps_still() -> None:
    told: set[str] = set()
    still: set[str] = set()
    for file in CASES:
        for case in yaml.safe_load(file.read_text())["tests"]:
            for check in case["alert_rule_test"]:
                (told if check["exp_alerts"] else still).add(check["alertname"])
                # Fewer alerts than there are series that could have made one.
                if len(check["exp_alerts"]) < len(case["input_series"]):
                    still.add(check["alertname"])
    names = {alert.name for alert in ALL}
    assert told == names
    assert still == names


@needs_promtool
def test_promtool_takes_the_rules() -> None:
    promtool("check", "rules", *map(str, FILES))


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_and_keep_still_as_written_down(case: Path) -> None:
    promtool("test", "rules", str(case))


@needs_promtool
def test_promtool_takes_the_settings_of_prometheus(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / "deploy/observability/prometheus/prometheus.yml").read_text())
    assert settings["rule_files"] == ["/etc/prometheus/alerts/*.yaml"]  # as compose mounts them
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump({**settings, "rule_files": [str(ALERTS / "*.yaml")]}))
    promtool("check", "config", str(file))
