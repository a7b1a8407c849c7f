"""Dashboards ask for what there is, from sources that there are, and say where to go on."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from deploy.observability.dashboards import __main__ as code
from services.runtime.instruments import CATALOGUE
from tests.fixtures import promql
from tests.fixtures.promtool import needs_promtool, promtool

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy/observability/grafana"
RUNBOOKS = ROOT / "docs/operations/runbooks"
ROWS = "row"
# Of Grafana's units; a unit that it does not know shows as bare text behind each number.
UNITS = {"none", "s", "ops", "reqps", "percentunit", "short", "bytes"}
NOT_SHOWN: dict[str, str] = {}
"""Metrics that are on no dashboard, each with the reason."""

FILES = sorted(GRAFANA.glob("*/*.json"))
BOARDS: dict[Path, dict[str, Any]] = {file: json.loads(file.read_text()) for file in FILES}
each_board = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")


class Asked(NamedTuple):
    """A query, and who asks it."""

    expr: str
    panel: str
    legend: str
    exemplars: bool


def panels(file: Path) -> list[dict[str, Any]]:
    return [panel for panel in BOARDS[file]["panels"] if panel["type"] != ROWS]


def asked(file: Path) -> Iterator[Asked]:
    for panel in panels(file):
        for target in panel.get("targets", ()):
            yield Asked(
                target["expr"], panel["title"], target.get("legendFormat", ""), bool(target.get("exemplar", False))
            )


def variables(file: Path) -> list[dict[str, Any]]:
    return list(BOARDS[file].get("templating", {}).get("list", ()))


def sources() -> dict[str, str]:
    found = yaml.safe_load((GRAFANA / "provisioning/datasources/arena.yaml").read_text())["datasources"]
    return {source["uid"]: source["type"] for source in found}


def test_what_is_committed_is_what_the_code_makes() -> None:
    made = dict(code.files())
    there = {f"{file.parent.name}/{file.name}" for file in FILES} | {"kustomization.yaml", code.RULES}
    assert there == set(made)
    assert {path: (GRAFANA / path).read_text() for path in there} == made, (
        "dashboards differ from their code: run make dashboards, and commit both"
    )


def test_there_are_the_dashboards_that_were_promised() -> None:
    titles = {board["title"] for file, board in BOARDS.items() if file.parent.name == "dashboards"}
    assert titles == {"Arena overview", "Judges", "Money", "Services"}


@each_board
def test_queries_ask_for_metrics_and_labels_that_there_are(file: Path) -> None:
    found = list(asked(file))
    assert found
    for query in found:
        labels = promql.labels_of(promql.parse(query.expr)) or frozenset()
        legend = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        assert legend <= labels, f"{query.panel}: its legend has {legend - labels}"


@each_board
def test_columns_of_tables_are_there(file: Path) -> None:
    for panel in panels(file):
        if panel["type"] != "table" or "ALERTS" in panel["targets"][0]["expr"]:
            continue  # an alert has the labels of its rule, each another's
        labels = {
            label for target in panel["targets"] for label in promql.labels_of(promql.parse(target["expr"])) or ()
        }
        (shown,) = (one["options"]["renameByName"] for one in panel["transformations"] if one["id"] == "organize")
        assert {name for name in shown if not name.startswith("Value")} <= labels, panel["title"]
        assert sum(name.startswith("Value") for name in shown) == len(panel["targets"])


@each_board
def test_choices_are_made_among_labels_that_there_are(file: Path) -> None:
    defined = {variable["name"] for variable in variables(file)}
    for variable in variables(file):
        if variable["type"] != "query":
            continue
        query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert query is not None, variable["name"]
        assert query[2] in (promql.labels_of(promql.parse(query[1])) or ()), variable["name"]
    used = set(re.findall(r"\$(?!__)\{?([a-z]\w*)", " ".join(query.expr for query in asked(file))))
    used |= set(re.findall(r"\$\{(?!__)(\w+)", json.dumps(BOARDS[file].get("links", []))))
    asked_by_choices = {
        name
        for variable in variables(file)
        if variable["type"] == "query"
        for name in re.findall(r"\$(\w+)", variable["query"]["query"])
    }
    assert used | asked_by_choices <= defined
    assert defined - {"traces"} <= used | asked_by_choices, "a choice that chooses nothing"


@each_board
def test_every_source_is_provisioned(file: Path) -> None:
    found = [panel["datasource"] for panel in panels(file) if panel.get("targets")]
    found += [target["datasource"] for panel in panels(file) for target in panel.get("targets", ())]
    found += [variable["datasource"] for variable in variables(file) if variable["type"] == "query"]
    assert found
    for source in found:
        assert sources()[source["uid"]] == source["type"]


def test_exemplars_lead_to_a_source_of_traces() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/arena.yaml").read_text())["datasources"]
    (metrics,) = (source for source in provisioned if source["uid"] == "prometheus")
    led = [one for one in metrics["jsonData"]["exemplarTraceIdDestinations"] if "datasourceUid" in one]
    assert [sources()[one["datasourceUid"]] for one in led] == ["jaeger"]
    collector = yaml.safe_load((ROOT / "deploy/observability/collector.yaml").read_text())
    assert collector["exporters"]["prometheus"]["enable_open_metrics"]


@each_board
def test_exemplars_are_shown_on_durations_and_nowhere_else(file: Path) -> None:
    for query in asked(file):
        # The counts that an exemplar belongs to are the buckets of a histogram.
        of_durations = "histogram_quantile" in query.expr and file.parent.name == "dashboards"
        assert query.exemplars == of_durations, query.panel


@each_board
def test_panels_do_not_overlap(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[file]["panels"]:
        at = panel["gridPos"]
        x, y = at.get("x", 0), at.get("y", 0)
        assert x + at["w"] <= 24, panel["title"]
        cells = set(itertools.product(range(x, x + at["w"]), range(y, y + at["h"])))
        assert not cells & taken, panel["title"]
        taken |= cells


@each_board
def test_rows_are_filled(file: Path) -> None:
    widths: dict[int, int] = {}
    for panel in BOARDS[file]["panels"]:
        y = panel["gridPos"].get("y", 0)
        widths[y] = widths.get(y, 0) + int(panel["gridPos"]["w"])
    assert set(widths.values()) == {24}


@each_board
def test_panels_say_what_they_show(file: Path) -> None:
    for panel in panels(file):
        assert panel["title"]
        if panel["type"] == "text":
            continue
        assert panel["description"], panel["title"]
        units = [panel["fieldConfig"]["defaults"].get("unit")] if panel["type"] != "table" else []
        units += [
            one["value"]
            for override in panel["fieldConfig"].get("overrides", ())
            for one in override["properties"]
            if one["id"] == "unit"
        ]
        assert units, panel["title"]
        assert set(units) <= UNITS, panel["title"]


def test_numbers_and_names_of_dashboards_are_their_own() -> None:
    uids = [board["uid"] for board in BOARDS.values()]
    assert len(uids) == len(set(uids))
    assert all(re.fullmatch(r"[\w-]{1,40}", uid) for uid in uids)
    for board in BOARDS.values():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        titles = [panel["title"] for panel in board["panels"] if panel["type"] != ROWS]
        assert len(titles) == len(set(titles)), board["title"]


def test_links_from_a_dashboard_lead_to_one() -> None:
    uids = {board["uid"] for board in BOARDS.values()}
    tags = {tag for board in BOARDS.values() for tag in board["tags"]}
    for board in BOARDS.values():
        for uid in re.findall(r"/d/([\w-]+)", json.dumps(board)):
            # The name of an alert is put behind the last of these by Grafana.
            assert uid in uids or uid == "runbook-", uid
        for link in board.get("links", ()):
            assert set(link["tags"]) <= tags, link


def test_alerts_of_others_are_not_ours() -> None:
    """A cluster's Prometheus has one that always fires, so that its silence is noticed."""
    rules = [
        rule["alert"]
        for file in (ROOT / "deploy/observability/alerts").glob("*.yaml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    seen = 0
    for file in FILES:
        for query in asked(file):
            for matchers in re.findall(r"ALERTS\{(.*?)\}", query.expr):
                (names,) = re.findall(r'alertname=~?"([\w|]+)"', matchers)
                assert sorted(names.split("|")) in (sorted(rules), [BOARDS[file]["title"]])
                seen += 1
    assert seen >= len(rules) + 2


def test_what_comes_seldom_is_a_line_and_no_lonely_point() -> None:
    seldom = {"dearena_insertion_duration": 3600, "dearena_round_duration": 900, "dearena_fit_duration": 900}
    found = 0
    for file in FILES:
        for query in asked(file):
            for prefix, least in seldom.items():
                for number, unit in re.findall(rf"{prefix}\w*_bucket(?:\{{.*?\}})?\[(\d+)([mh])\]", query.expr):
                    assert int(number) * {"m": 60, "h": 3600}[unit] >= least
                    found += 1
                assert not re.search(rf"{prefix}\w*_bucket(?:\{{.*?\}})?\[\$", query.expr), query.panel
    assert found >= 3


@needs_promtool
def test_the_first_dead_letter_is_seen(tmp_path: Path) -> None:
    """Its series begins with it, and so has not grown."""
    (expr,) = {
        query.expr
        for file in FILES
        for query in asked(file)
        if query.panel == "Dead letters" and " by " not in query.expr
    }
    case = {
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'dearena_dead_letters_total{dearena_reason="poison"}', "values": "_x100 1x20"}
                ],
                "promql_expr_test": [
                    {"expr": promql.filled_in(expr), "eval_time": "110m", "exp_samples": [{"labels": "{}", "value": 1}]}
                ],
            }
        ]
    }
    file = tmp_path / "letters.yaml"
    file.write_text(yaml.safe_dump(case))
    promtool("test", "rules", str(file))


def test_each_metric_is_on_a_dashboard() -> None:
    shown = {
        name
        for file in FILES
        if file.parent.name == "dashboards"
        for query in asked(file)
        for name in promql.series_of(promql.parse(query.expr))
    }
    missing = {one.name for one in CATALOGUE.values() if not shown & set(one.series_names)}
    assert missing == set(NOT_SHOWN)


def test_runbooks_name_panels_that_there_are() -> None:
    titles = {board["title"]: {panel["title"] for panel in board["panels"]} for board in BOARDS.values()}
    everywhere = set().union(*titles.values())
    named = 0
    for page in RUNBOOKS.glob("*.md"):
        content = " ".join(page.read_text().split())
        for panel, board in re.findall(r"panel \*(.+?)\*(?: of \*(.+?)\*)?", content):
            assert panel in (titles[board] if board else everywhere), f"{page.name}: {panel}"
            named += 1
        for board in re.findall(r"dashboards? \*(.+?)\*", content):
            assert board in titles, f"{page.name}: {board}"
    assert named >= 10


def test_every_alert_has_its_page_in_grafana() -> None:
    pages = {file.stem for file in FILES if file.parent.name == "runbooks"}
    assert pages == {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}


@needs_promtool
def test_prometheus_itself_takes_all_queries(tmp_path: Path) -> None:
    queries = sorted({promql.filled_in(query.expr) for file in FILES for query in asked(file)})
    rules = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", str(file))


def every_series() -> list[dict[str, str]]:
    """A growing series of each that there is, with labels that failures have: these are what panels look for."""
    telling = {
        "rpc_grpc_status_code": "13",
        "error_type": "internal",
        "dearena_outcome": "FLIP",
        "alertname": "InsertionStuck",
        "alertstate": "firing",
    }
    made = []
    for name, labels in promql.KNOWN.items():
        bounds = ("1", "+Inf") if "le" in labels else ("",)
        for bound in bounds:
            values = {label: telling.get(label, f"any-{label}") for label in labels} | ({"le": bound} if bound else {})
            written = ", ".join(f'{label}="{value}"' for label, value in sorted(values.items()))
            made.append({"series": f"{name}{{{written}}}", "values": "1+5x120"})
    return made


@needs_promtool
def test_every_panel_shows_something_where_there_is_something(tmp_path: Path) -> None:
    queries = sorted({query.expr for file in FILES if file.parent.name == "dashboards" for query in asked(file)})
    checks = [
        {
            "expr": f"sgn(count({re.sub(r'[$](project|dimension|model|judge|job)', '.*', promql.filled_in(query))}))",
            "eval_time": "90m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for query in queries
    ]
    case = {"tests": [{"interval": "1m", "input_series": every_series(), "promql_expr_test": checks}]}
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump(case))
    promtool("test", "rules", str(file))
