"""Panels show what their titles say: from series that are made up, Prometheus comes to the value that is theirs."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.fixtures import promql
from tests.fixtures.promtool import ROOT, needs_promtool, promtool

BOARDS: Final = ROOT / "deploy/observability/grafana/dashboards"
D: Final = 'dearena_project="p", dearena_dimension="d"'
M: Final = 'dearena_project="p", dearena_model="m"'
B: Final = 'dearena_project="p", dearena_budget_scope="project", dearena_budget_name="n", dearena_currency="USD"'
CALL: Final = 'gen_ai_provider_name="q", gen_ai_request_model="m"'

SERIES: Final = {
    # 60 a minute is one a second. Two processes tell of the same budgets, one a little later than the other.
    f'dearena_budget_limit{{{B}, instance="1"}}': "40x120",
    f'dearena_budget_limit{{{B}, instance="2"}}': "40x120",
    f'dearena_budget_left{{{B}, instance="1"}}': "12x120",
    f'dearena_budget_left{{{B}, instance="2"}}': "10x120",
    f'dearena_money_spent_total{{dearena_currency="USD", {M}, dearena_purpose="judge", instance="1"}}': "0+3x120",
    f'dearena_money_spent_total{{dearena_currency="USD", {M}, dearena_purpose="judge", instance="2"}}': "0+3x120",
    f'dearena_money_dimension_spent_total{{dearena_currency="USD", {D}}}': "0+6x120",
    'dearena_votes_total{dearena_project="p", dearena_judge="m", dearena_outcome="A"}': "0+30x120",
    'dearena_votes_total{dearena_project="p", dearena_judge="m", dearena_outcome="FLIP"}': "0+10x120",
    f'gen_ai_client_operation_duration_seconds_count{{{CALL}, error_type=""}}': "0+45x120",
    f'gen_ai_client_operation_duration_seconds_count{{{CALL}, error_type="timeout"}}': "0+15x120",
    'rpc_server_duration_seconds_count{job="dearena.ranker", rpc_method="Get", rpc_grpc_status_code="0"}': "0+57x120",
    'rpc_server_duration_seconds_count{job="dearena.ranker", rpc_method="Get", rpc_grpc_status_code="14"}': "0+3x120",
    'gen_ai_client_token_usage_sum{gen_ai_token_type="input", gen_ai_request_model="m"}': "0+600x120",
    # Two rankers tell of the same dimension; who read its log last knows best.
    f'dearena_insertion_idle_seconds{{{D}, instance="1"}}': "30x120",
    f'dearena_insertion_idle_seconds{{{D}, instance="2"}}': "45x120",
    f'dearena_models_ranked{{{D}, instance="1"}}': "7x120",
    f'dearena_models_ranked{{{D}, instance="2"}}': "7x120",
    f"dearena_vote_last_time_seconds{{{D}}}": "3000x120",
    f'dearena_calls_waiting{{{M}, instance="1"}}': "4x120",
    f'dearena_calls_waiting{{{M}, instance="2"}}': "5x120",
    'dearena_queue_pending{dearena_stream="JUDGING", dearena_consumer="c", job="j", instance="1"}': "8x120",
    'dearena_queue_pending{dearena_stream="JUDGING", dearena_consumer="c", job="j", instance="2"}': "8x120",
}
AT_SECONDS: Final = 90 * 60
SPENT: Final = f'dearena_currency="USD", {M}'
SELDOM: Final = {
    # Begin in the hour shown, with what they have ever come to; the last ended in it, the first was there before.
    f'dearena_money_spent_total{{{SPENT}, dearena_purpose="judge", instance="1"}}': "7x120",
    f'dearena_money_spent_total{{{SPENT}, dearena_purpose="judge", instance="2"}}': "_x60 5x60",
    f'dearena_money_spent_total{{{SPENT}, dearena_purpose="answer", instance="2"}}': "_x60 2x9 3x51",
    f'dearena_money_spent_total{{{SPENT}, dearena_purpose="judge", instance="3"}}': "_x60 4x9 stale",
    f'dearena_money_dimension_spent_total{{dearena_currency="USD", {D}}}': "_x60 5x60",
    f'dearena_dimension_votes_total{{{D}, dearena_outcome="A"}}': "_x60 1x60",
    'dearena_votes_total{dearena_project="p", dearena_judge="m", dearena_outcome="FLIP"}': "_x60 1x60",
    'dearena_dead_letters_total{messaging_destination_template="t", dearena_reason="poison"}': "_x60 1x60",
}
SHOWN_OF_SELDOM: Final = [
    ("money", "Spent by model in this time", 12),
    ("money", "Spent by dimension in this time", 5),
    ("services", "Dead letters", 1),
]
SHOWN: Final = [
    ("money", "Budgets left", 0.25),
    ("money", "Spent an hour by purpose", 6 * 60),
    ("money", "Spent an hour by model", 6 * 60),
    ("money", "Spent an hour by dimension", 6 * 60),
    ("money", "Tokens", 10),
    ("judges", "Outcomes that are no vote", 0.25),
    ("judges", "Failed calls", 0.25),
    ("judges", "Calls that wait for leave", 9),
    ("services", "Failed calls", 0.05),
    ("services", "Calls", 1),
    ("services", "Waiting messages", 8),
    ("arena", "Seconds since the log grew", 30),
    ("arena", "Seconds since the last vote", AT_SECONDS - 3000),
    ("arena", "Ranked models", 7),
]


def query_of(board: str, panel: str) -> str:
    panels = json.loads((BOARDS / f"{board}.json").read_text())["panels"]
    (found,) = [one for one in panels if one["title"] == panel and one["type"] != "row"]
    (target,) = found["targets"]
    return re.sub(r"[$](project|dimension|model|judge|job)", ".*", promql.filled_in(target["expr"]))


@needs_promtool
@pytest.mark.parametrize(("board", "panel", "value"), SHOWN, ids=str)
def test_a_panel_shows_what_it_says(board: str, panel: str, value: float, tmp_path: Path) -> None:
    shown(SERIES, board, panel, value, tmp_path)


@needs_promtool
@pytest.mark.parametrize(("board", "panel", "value"), SHOWN_OF_SELDOM, ids=str)
def test_a_sum_counts_what_a_series_begins_with(board: str, panel: str, value: float, tmp_path: Path) -> None:
    shown(SELDOM, board, panel, value, tmp_path)


def shown(made_up: dict[str, str], board: str, panel: str, value: float, tmp_path: Path) -> None:
    """Raises where Prometheus comes to another value."""
    # Rounded, for rates are floats; one line alone, whatever its labels.
    check = {
        "expr": f"round(sum({query_of(board, panel)}), 0.001) and count({query_of(board, panel)}) == 1",
        "eval_time": f"{AT_SECONDS}s",
        "exp_samples": [{"labels": "{}", "value": value}],
    }
    series = [{"series": name, "values": values} for name, values in made_up.items()]
    file = tmp_path / "values.yaml"
    case = {"interval": "1m", "input_series": series, "promql_expr_test": [check]}
    file.write_text(yaml.safe_dump({"tests": [case]}))
    promtool("test", "rules", str(file))
