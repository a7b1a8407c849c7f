"""`dearena fit`: the board of a file, in JSON and for people, and what is refused."""

import gzip
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dearena.cli import fit as fit_command
from dearena.cli import votes as exported
from dearena.cli.app import app
from dearena.client import Vote
from dearena.local import reference_fit
from dearena.scoring.settings import FLIP_RULES, LARGEST_PRIOR, SMALLEST_PRIOR
from dearena.scoring.ties import TIE_RULES
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.vote_files.files import jsonl, vote

MODELS = ["alpha", "beta", "gamma", "delta"]
SKILL = dict(zip(MODELS, [1.0, 0.3, -0.2, -1.1], strict=True))
BROKEN_INPUT = 2
MULTIVAC = Path(__file__).parents[4] / "shared" / "data" / "multivac"


def world(seed: int = 0, questions: int = 12, judges: int = 11) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    rows = []
    for question in range(questions):
        for judge in range(judges):
            first, second = random.choice(MODELS, 2, replace=False)
            won = random.random() < 1 / (1 + math.exp(SKILL[second] - SKILL[first]))
            winner = "tie" if random.random() < 0.1 else "a" if won else "b"
            rows.append(vote(judge=f"j{judge}", model_a=str(first), model_b=str(second), query_id=f"q{question}",
                             winner=winner))  # fmt: skip
    return rows


def run(*arguments: str, stdin: bytes | None = None) -> Any:
    return CliRunner().invoke(app, ["fit", *arguments], input=stdin)


def fitted(file: Path, *arguments: str) -> dict[str, Any]:
    result = run(str(file), "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    assert not result.stderr
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "votes.jsonl", world())


def test_a_board_has_all_that_it_rests_on(file: Path) -> None:
    found = fitted(file)
    rows = found["models"]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert [row["strength"] for row in rows] == sorted((row["strength"] for row in rows), reverse=True)
    assert sum(row["strength"] for row in rows) == pytest.approx(0, abs=1e-8)
    for row in rows:
        assert row["strength_low"] < row["strength"] < row["strength_high"]
        assert row["rank_low"] <= row["rank"] <= row["rank_high"]
        assert row["score"] == pytest.approx(100 / (1 + math.exp(-row["strength"])))
    assert sum(row["votes"] for row in rows) == 2 * found["votes"] == 2 * 132
    assert sum(row["wins"] for row in rows) == 132
    assert np.mean([judge["weight"] for judge in found["judges"]]) == pytest.approx(1, abs=1e-4)
    assert all(sum(judge["rates"].values()) == pytest.approx(1) for judge in found["judges"])
    assert found["connected"] is True
    assert found["effective_votes"] > 0
    assert (found["clusters"]["questions"], found["clusters"]["judges"]) == (12, 11)
    assert found["notes"] == []


def second_opinion(rows: list[dict[str, Any]]) -> Mapping[str, float]:
    models = sorted({row[seat] for row in rows for seat in ("model_a", "model_b")})
    shares = {"a": 1.0, "b": 0.0, "tie": 0.5}
    strengths = reference_fit.strengths(models, [(r["model_a"], r["model_b"], shares[r["winner"]]) for r in rows])
    return dict(zip(models, strengths, strict=True))


SAME_PRIOR = str(reference_fit.PRIOR_PRECISION**-0.5)


def test_equal_weights_are_plain_bradley_terry(file: Path) -> None:
    found = fitted(file, "--weights", "uniform", "--prior", SAME_PRIOR)
    assert {row["model"]: row["strength"] for row in found["models"]} == pytest.approx(
        second_opinion(world()), abs=1e-5
    )


@pytest.mark.skipif(not MULTIVAC.is_dir(), reason="no ../shared/data/multivac beside the repository")
def test_real_votes_have_a_board_for_each_dimension_that_a_second_opinion_shares() -> None:
    file = MULTIVAC / "votes.jsonl.gz"
    found = fitted(file, "--weights", "uniform", "--prior", SAME_PRIOR)
    assert set(found["dimensions"]) == {"analysis", "code", "meta_alignment", "reasoning"}
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    for dimension, board in found["dimensions"].items():
        own = [row for row in rows if row["dimension"] == dimension]
        assert board["votes"] == len(own)
        strengths = {row["model"]: row["strength"] for row in board["models"]}
        assert strengths == pytest.approx(second_opinion(own), abs=1e-3), dimension


@pytest.mark.skipif(not MULTIVAC.is_dir(), reason="no ../shared/data/multivac beside the repository")
def test_real_queries_that_ask_one_question_are_one_cluster() -> None:
    plain = fitted(MULTIVAC / "votes.jsonl.gz", "--dimension", "code")
    merged = fitted(MULTIVAC / "votes.jsonl.gz", "--dimension", "code", "--questions", str(MULTIVAC / "queries.jsonl"))
    assert merged["clusters"]["questions"] < plain["clusters"]["questions"]
    for one, other in zip(merged["models"], plain["models"], strict=True):
        assert (one["model"], one["strength"]) == (other["model"], other["strength"])


def test_pairs_told_apart_are_told_apart_whoever_leads_their_group(tmp_path: Path) -> None:
    far = [row for row in world(questions=40) if {row["model_a"], row["model_b"]} != {"beta", "gamma"}]
    newcomer = vote(model_a="once", model_b="alpha", judge="j1", query_id="q1")
    file = jsonl(tmp_path / "votes.jsonl", [*far, newcomer])
    found = fitted(file)
    assert found["models"][0]["model"] == "once"
    assert {row["group"] for row in found["models"]} == {1}
    assert found["pairs"] == 10
    assert 1 <= found["pairs_told_apart"] <= 6
    assert f"{found['pairs_told_apart']} of 10 pairs told apart" in " ".join(run(str(file)).stdout.split())


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Answers to all queries but one, of lengths drawn."""
    random = np.random.default_rng(0)
    answers = [
        {"model": model, "query_id": f"q{question}", "text": "word " * int(random.integers(1, 50))}
        for model in MODELS
        for question in range(11)
    ]
    return jsonl(tmp_path / "answers.jsonl.gz", answers)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Every query was asked twice."""
    rows = [{"query_id": f"q{query}", "question_id": f"asked-{query // 2}"} for query in range(12)]
    return jsonl(tmp_path / "queries.jsonl", rows)


@pytest.mark.parametrize(
    "arguments", [["--style"], ["--report", "judges"], ["--bootstrap", "100"], ["--counterfactuals"]]
)
def test_clusters_are_questions_and_all_else_is_as_by_query(
    file: Path, texts: Path, asked: Path, arguments: list[str]
) -> None:
    arguments = ["--answers", str(texts), *arguments]
    plain, clustered = fitted(file, *arguments), fitted(file, "--questions", str(asked), *arguments)
    assert (plain["clusters"]["questions"], clustered["clusters"]["questions"]) == (12, 6)
    assert {row["questions"] for row in clustered["models"]} == {6}
    assert plain["settings"].pop("queries_share_questions") is False
    assert clustered["settings"].pop("queries_share_questions") is True
    assert clustered["settings"] == plain["settings"]
    assert [row["coefficient"] for row in clustered["style"]] == [row["coefficient"] for row in plain["style"]]
    assert clustered.get("counterfactuals") == plain.get("counterfactuals")
    if drawn := clustered.get("bootstrap"):
        assert drawn["questions"] == 6
    for one, other in zip(clustered["models"], plain["models"], strict=True):
        assert (one["model"], one["strength"]) == (other["model"], other["strength"])
        assert one["strength_error"] != other["strength_error"]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(132)))
def test_a_board_does_not_depend_on_the_order_of_lines(tmp_path: Path, order: list[int]) -> None:
    rows = world()
    shuffled = jsonl(tmp_path / "shuffled.jsonl", [rows[number] for number in order])
    assert fitted(shuffled) == fitted(jsonl(tmp_path / "votes.jsonl", rows))


def test_one_dimension_is_one_object_and_several_are_told_apart(tmp_path: Path) -> None:
    rows = [row | {"dimension": "x"} for row in world(1)] + [row | {"dimension": "y"} for row in world(2)]
    file = jsonl(tmp_path / "both.jsonl", rows)
    both = fitted(file)
    assert list(both) == ["dimensions"]
    for dimension, seed in (("x", 1), ("y", 2)):
        alone = fitted(file, "--dimension", dimension)
        assert alone == both["dimensions"][dimension]
        unnamed = fitted(jsonl(tmp_path / "alone.jsonl", world(seed)))
        assert (alone.pop("dimension"), unnamed.pop("dimension")) == (dimension, None)
        assert alone == unnamed


def test_standard_input_is_a_file_too(file: Path) -> None:
    result = run("-", "--json", stdin=file.read_bytes())
    assert json.loads(result.stdout) == fitted(file)


def test_exported_votes_are_read_as_they_are_written(tmp_path: Path) -> None:
    cell = {"sequence": 1, "round": 1, "judge_calls": 2, "cost_nano_units": 0, "currency": "", "model_a": "a@1",
            "model_b": "b@1"}  # fmt: skip
    told = [("c1", 1, "FAILED", "q1"), ("c1", 2, "A", "q1"), ("c2", 1, "FLIP", "q2"), ("c3", 1, "TIE", "q3")]
    lines = [
        exported.line_of(Vote(**cell, judge="c@1", cell_id=one, attempt=n, outcome=outcome, query_id=query), "d")  # type: ignore[arg-type]
        for one, n, outcome, query in told
    ]
    found = fitted(jsonl(tmp_path / "votes.jsonl", lines))
    assert found["dimension"] == "d"
    assert {name: count for name, count in found["outcomes"].items() if count} == {"A": 1, "FLIP": 1, "TIE": 1}
    assert found["votes"] == 2
    assert any("earlier attempts" in note for note in found["notes"])
    [first] = [row for row in found["models"] if row["model"] == "a@1"]
    assert (first["votes"], first["wins"], first["undecided"]) == (2, 1.5, 1)
    assert first["strength_if_undecided_lost"] < first["strength"] < first["strength_if_undecided_won"]
    assert fitted(tmp_path / "votes.jsonl", "--flips", "half")["settings"]["flips"] == "half"


@pytest.mark.parametrize(
    ("option", "name", "values"),
    [("--weights", "weighting", WEIGHTINGS), ("--ties", "ties", TIE_RULES), ("--flips", "flips", FLIP_RULES)],
)
def test_settings_are_told_again_and_explained(file: Path, option: str, name: str, values: tuple[str, ...]) -> None:
    explained = " ".join(run("--help").stdout.split())
    for value in values:
        assert value in explained
        assert fitted(file, option, value)["settings"][name] == value
    wrong = run(str(file), option, "nonsense")
    assert (wrong.exit_code, wrong.stdout) == (BROKEN_INPUT, "")
    assert "nonsense" in wrong.stderr


def test_more_confidence_is_wider_and_a_narrow_prior_pulls_to_the_middle(file: Path) -> None:
    usual, sure, narrow = fitted(file), fitted(file, "--confidence", "0.99"), fitted(file, "--prior", "0.1")
    assert sure["models"][0]["strength_high"] > usual["models"][0]["strength_high"]
    assert sure["models"][0]["strength"] == usual["models"][0]["strength"]
    assert narrow["models"][0]["strength"] < usual["models"][0]["strength"] / 2
    assert (sure["settings"]["confidence"], narrow["settings"]["prior_deviation"]) == (0.99, 0.1)


NOTED = {
    "not connected": ([vote(), vote(winner="b"), vote(model_a="x", model_b="y")], "not connected", "x, y"),
    "undefeated": ([vote(), vote(query_id="q2")], "never lost", "alpha"),
    "winless": ([vote(), vote(query_id="q2")], "never won", "beta"),
    "no preference": ([vote(winner=None, outcome="FLIP")], "no vote is a preference", ""),
    "silent": ([*world(), vote(model_a="mute", winner=None, outcome="VOID")], "without a vote that counts", "mute"),
    "few judges": (world(judges=3), "only 3 judges", ""),
    "one judge": (world(judges=1, questions=60), "one judge only", ""),
    "one of each": ([vote(), vote(winner="b")], "one question and one judge", ""),
    "doubled": ([*world(), world()[0]], "rows that repeat the judge, pair and question of an earlier one", ""),
    "one-sided": (
        [vote(winner="tie"), vote(model_a="x", model_b="y", winner="tie"), vote(model_b="x")],
        "some models never lost",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTED)
def test_what_must_be_known_is_said_in_words(tmp_path: Path, name: str) -> None:
    rows, words, names = NOTED[name]
    file = jsonl(tmp_path / "votes.jsonl", rows)
    said = [note for note in fitted(file)["notes"] if words in note]
    assert said
    assert names in said[0]
    assert words in run(str(file)).stdout


def test_parts_that_never_met_are_told(tmp_path: Path) -> None:
    rows, _, _ = NOTED["not connected"]
    found = fitted(jsonl(tmp_path / "votes.jsonl", rows))
    assert found["connected"] is False
    assert sorted(map(sorted, found["parts"])) == [["alpha", "beta"], ["x", "y"]]


def test_an_undefeated_model_has_an_interval_and_the_others_keep_their_order(tmp_path: Path) -> None:
    rows = [
        *world(),
        *(vote(model_a="best", model_b=other, judge="j1", query_id=f"q{n}") for n, other in enumerate(MODELS)),
    ]
    found = fitted(jsonl(tmp_path / "votes.jsonl", rows))
    best, *others = found["models"]
    assert best["model"] == "best"
    assert best["strength_high"] - best["strength_low"] > 1
    assert len({row["strength"] for row in others}) == len(others)


def test_people_read_a_table(file: Path) -> None:
    shown = run(str(file)).stdout
    for heading in ("95 % ranks", "95 % interval", "group", "judge", "weight"):
        assert heading in shown
    assert [line.split()[0] for line in shown.splitlines()[2:6]] == ["1", "2", "3", "4"]


def test_judges_and_their_families_can_be_left_out(tmp_path: Path, file: Path) -> None:
    (families := tmp_path / "families.yaml").write_text("j1: one\nj2: one\nj3: two\n")
    without = [row for row in world() if row["judge"] not in {"j1", "j2"}]
    expected = fitted(jsonl(tmp_path / "without.jsonl", without))["models"]
    for arguments in (
        ["--without-judge", "j1", "--without-judge", "j2"],
        ["--families", str(families), "--without-family", "one"],
    ):
        found = fitted(file, *arguments)
        assert found["models"] == expected
        assert {"j1", "j2"}.isdisjoint(judge["judge"] for judge in found["judges"])
        assert "votes of judges that are left out: 24" in found["notes"]


def test_the_judge_report_tells_seats_agreement_favour_and_worth(tmp_path: Path) -> None:
    (families := tmp_path / "families.json").write_text(json.dumps({"alpha": "greek", "j1": "greek"}))
    (costs := tmp_path / "costs.yaml").write_text("j1: 1000\nnobody: 5\n")
    file = jsonl(tmp_path / "votes.jsonl", [row | {"first": "a"} for row in world(questions=40)])
    arguments = ["--report", "judges", "--families", str(families), "--costs", str(costs)]
    found = fitted(file, *arguments)
    told = {row["judge"]: row for row in found["judges"]}
    for row in found["judges"]:
        assert 0 < row["first_seat"]["low"] < row["first_seat"]["value"] < row["first_seat"]["high"] < 1
        assert row["agreement"]["kappa"] == pytest.approx(2 * row["agreement"]["share"]["value"] - 1)
        assert (row["own_family"] is not None) == (row["judge"] == "j1")
        assert (row["worth"] is not None) == (row["judge"] == "j1")
    assert told["j1"]["worth"]["cost"] == 1000
    assert found["models"] == fitted(file)["models"]
    shown = run(str(file), *arguments).stdout
    for heading in ("first seat", "agreement", "own family", "cost of variance"):
        assert heading in shown
    (tmp_path / "costs.yaml").write_text("j1: dear\n")
    assert run(str(file), *arguments).exit_code == BROKEN_INPUT


def test_boards_that_might_have_been_say_what_a_rank_rests_on(file: Path) -> None:
    found = fitted(file, "--counterfactuals")
    boards = {(board["kind"], board["what"]): board for board in found["counterfactuals"]}
    uniform = fitted(file, "--weights", "uniform")
    assert [row["model"] for row in boards["weighting", "uniform"]["models"]] == [
        row["model"] for row in uniform["models"]
    ]
    without = fitted(file, "--without-judge", "j1")
    for one, other in zip(boards["judge", "j1"]["models"], without["models"], strict=True):
        assert (one["model"], one["strength"]) == (other["model"], pytest.approx(other["strength"], abs=1e-8))
    for row in found["models"]:
        assert row["counterfactual_rank_low"] <= row["rank"] <= row["counterfactual_rank_high"]
        assert 0 <= row["same_rank"] <= row["same_group"] <= 1
    assert "without the judge" in run(str(file), "--counterfactuals").stdout


def test_own_votes_are_refused_left_out_or_counted(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl", [*world(), vote(judge="alpha")])
    refused = run(str(file))
    assert (refused.exit_code, refused.stdout) == (BROKEN_INPUT, "")
    assert 'line 133: "alpha" judges its own answer' in refused.stderr
    assert fitted(file, "--own-votes", "leave")["votes"] == 132
    assert fitted(file, "--own-votes", "count")["votes"] == 133


def test_questions_drawn_again_stand_beside_the_intervals(file: Path) -> None:
    one, same, other = (fitted(file, "--bootstrap", "200", "--seed", seed) for seed in ("1", "1", "2"))
    assert one == same
    assert one["bootstrap"]["draws"] == 200
    for row, drawn in zip(one["models"], other["models"], strict=True):
        assert row["strength"] == drawn["strength"]
        assert row["bootstrap_strength_low"] < row["strength"] < row["bootstrap_strength_high"]
    assert one["models"] != other["models"]
    assert run(str(file), "--bootstrap", "5").exit_code == BROKEN_INPUT
    assert "by questions drawn" in run(str(file), "--bootstrap", "200").stdout


def test_style_is_controlled_for_on_demand(file: Path, texts: Path) -> None:
    found = fitted(file, "--answers", str(texts), "--style")
    assert "characters" in [row["feature"] for row in found["style"]]
    assert found["settings"]["style_controlled"] is True
    assert any("whose text is not known" in note for note in found["notes"])
    assert found["models"] != fitted(file)["models"]
    assert fitted(file, "--answers", str(texts))["style"] == []


@pytest.mark.parametrize("name", ["board.json", "board.csv", "board.parquet", "board.arrow"])
def test_a_board_is_written_as_its_name_says(tmp_path: Path, file: Path, name: str) -> None:
    if name.endswith((".parquet", ".arrow")):
        pytest.importorskip("pyarrow")
    found = fitted(file, "--output", str(tmp_path / name))
    content = (tmp_path / name).read_bytes()
    match Path(name).suffix:
        case ".json":
            assert json.loads(content) == found
            return
        case ".csv":
            lines = content.decode().splitlines()
            assert lines[0].startswith("dimension,model,rank")
            models = [line.split(",")[1] for line in lines[1:]]
        case ".parquet":
            models = pytest.importorskip("pyarrow.parquet").read_table(io.BytesIO(content)).column("model").to_pylist()
        case _:
            models = pytest.importorskip("pyarrow.ipc").open_file(content).read_all().column("model").to_pylist()
    assert models == [row["model"] for row in found["models"]]


WRONG = {
    "no such file": (["none.jsonl"], "none.jsonl: No such file"),
    "a directory": (["."], "Is a directory"),
    "no such dimension": (["votes.jsonl", "--dimension", "z"], "'z' is none of those in the file"),
    "no such judge": (["votes.jsonl", "--without-judge", "z"], "'z' judges nothing"),
    "style without answers": (["votes.jsonl", "--style"], "--style needs --answers"),
    "family without families": (["votes.jsonl", "--without-family", "z"], "needs --families"),
    "an ending": (["votes.jsonl", "--output", "board.xlsx"], "ends with none of"),
    "no folder": (["votes.jsonl", "--output", "none/board.json"], "none/board.json: No such file"),
    "a confidence": (["votes.jsonl", "--confidence", "95"], "between 0 and 1"),
    "a prior that holds all": (["votes.jsonl", "--prior", "1e-200"], "greater than or equal to 0.001"),
    "a prior": (["votes.jsonl", "--prior", "nan"], "less than or equal to 1000"),
    "broken answers": (["votes.jsonl", "--answers", "votes.jsonl"], "votes.jsonl, line 1: model is missing"),
    "broken questions": (["votes.jsonl", "--questions", "votes.jsonl"], "line 1: question_id is missing"),
    "broken families": (["votes.jsonl", "--families", "votes.jsonl"], "votes.jsonl: is neither JSON nor YAML"),
    "a broken line": (["broken.jsonl", "--output", "board.json"], "broken.jsonl, line 2: is no JSON"),
    "an empty file": (["empty.jsonl", "--output", "board.json"], "empty.jsonl: holds no votes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_done_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    arguments, complaint = WRONG[name]
    monkeypatch.chdir(tmp_path)
    jsonl(tmp_path / "votes.jsonl", world())
    jsonl(tmp_path / "broken.jsonl", [vote(), "{"])
    jsonl(tmp_path / "empty.jsonl", [])
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stdout) == (BROKEN_INPUT, "")
    assert complaint in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["a", "b", "tie", "FLIP"])
    ),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
fields = st.sampled_from(["judge", "model_a", "model_b", "query_id", "winner", "outcome", "weight", "attempt",
                          "cell_id", "dimension", "first"])  # fmt: skip
lines = st.one_of(
    st.binary(max_size=20),
    st.dictionaries(fields, values, max_size=3).map(lambda changes: json.dumps(vote(**changes)).encode()),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(lines, max_size=5))
def test_any_bytes_give_a_board_or_one_clear_line(given_lines: list[bytes]) -> None:
    result = run("-", "--json", stdin=b"\n".join([json.dumps(vote()).encode(), *given_lines]))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code:
        assert (result.exit_code, result.stdout) == (BROKEN_INPUT, "")
        assert result.stderr.startswith("error: standard input, line ")
    else:
        json.loads(result.stdout, parse_constant=pytest.fail)


def test_a_terminal_that_lacks_a_letter_is_told(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl", [vote(model_a="日本")])
    command = [sys.executable, "-m", "dearena.cli", "fit", str(file), "--json"]
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert (result.returncode, result.stdout) == (BROKEN_INPUT, "")
    assert result.stderr.startswith("error: standard output is ascii")


def test_other_commands_do_not_wait_for_the_numerics() -> None:
    code = "import sys, dearena.cli.app; print([name for name in ('scipy', 'numpy', 'pyarrow') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_bounds_of_a_prior_are_those_of_a_fit() -> None:
    assert (fit_command.SMALLEST_PRIOR, fit_command.LARGEST_PRIOR) == (SMALLEST_PRIOR, LARGEST_PRIOR)
    refused = run("votes.jsonl", "--prior", "0.0001")
    assert (refused.exit_code, refused.stdout) == (BROKEN_INPUT, "")
    assert "greater than or equal to 0.001" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["people", "json"])
def test_standard_output_that_is_closed_is_said(file: Path, arguments: list[str]) -> None:
    command = 'exec "$@" >&-'
    program = [sys.executable, "-m", "dearena.cli", "fit", str(file), *arguments]
    ended = subprocess.run(["/bin/sh", "-c", command, "sh", *program], stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (BROKEN_INPUT, "error: standard output is closed\n")
