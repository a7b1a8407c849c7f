"""arena.yaml: what is wrong in it is pointed at, by line and column, and said with what is allowed."""

from pathlib import Path

import pytest

from dearena.client import read_arena_file
from dearena.faults import InvalidField
from dearena.yaml_places import LARGEST_FILE

HERE = "¶"
"""In the texts below: where a fault is to be pointed at."""

MODEL = "models:\n  - slug: a\n    endpoint: {base_url: 'http://x', upstream_model: y}\n"
GENERATED = "    generate: {kind: algebra, size: 9}\n"
DIMENSION = "dimensions:\n  - slug: d\n    pool: x.jsonl\n    selection: {k: 3}\n"
SECRET = "sk-7f3a9c51e0d24b68"


def refused(directory: Path, content: str | bytes) -> list[tuple[str, str]]:
    """What is told of a file: places and descriptions."""
    (directory / "x.jsonl").write_text("")
    path = directory / "arena.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidField) as caught:
        read_arena_file(path)
    assert SECRET not in str(caught.value)
    return [(one.field, one.description) for one in caught.value.violations]


def places(content: str) -> list[str]:
    """`arena.yaml:LINE:COLUMN` of each mark."""
    found = []
    for number, line in enumerate(content.split("\n"), 1):
        marks = [at for at, letter in enumerate(line) if letter == HERE]
        found += [f"arena.yaml:{number}:{at + 1 - before}" for before, at in enumerate(marks)]
    return found


def endpoint(text: str) -> str:
    return f"models:\n  - slug: a\n    endpoint: {{{text}}}\n"


def ranking(text: str) -> str:
    return f"{DIMENSION}    ranking:\n      window: 1\n      {text}\n"


@pytest.mark.parametrize(
    ("content", "description"),
    [
        # Not YAML, or not what it should be
        ("models: [\n¶", "is not YAML: expected the node content"),
        ("models:\n¶\t- slug: a\n", "is not YAML: found character '\\t'"),
        ("models:\n  - slug: ¶*nobody\n", "is not YAML: found undefined alias"),
        ("a: ¶!!python/object:os.system {}\n", "is not YAML: could not determine a constructor"),
        ("models: ¶&a [*a]\n", "holds itself"),
        ("models:\n  - slug: a\n    ¶slug: b\n    endpoint: {base_url: 'http://x', upstream_model: y}\n", "'slug' is"),
        # Unknown fields
        ("¶model:\n  - slug: a\n", "model: is no field; is it `models`?"),
        ("¶colour: red\n", "colour: is no field; there are: project, keys, models, dimensions"),
        (f"{MODEL}    ¶concurency: 3\n", "models[0].concurency: is no field; is it `concurrency`?"),
        (f"{MODEL}    ¶timeout: 90\n", "models[0].timeout: is no field; is it `timeout_seconds`?"),
        (
            endpoint("base_url: 'http://x', ¶uri: 'http://y', upstream_model: y"),
            "models[0].endpoint.uri: is no field; there are: base_url, upstream_model,",
        ),
        (ranking("¶patience: 3"), "dimensions[0].ranking.patience: is no field; there are: seed_models, window,"),
        # Missing
        ("models:\n  - ¶slug: a\n", "models[0].endpoint: is required"),
        (
            "models:\n  - slug: a\n    ¶endpoint: {base_url: 'http://x'}\n",
            "models[0].endpoint.upstream_model: is requi",
        ),
        (
            "dimensions:\n  - slug: d\n    pool: x.jsonl\n    ¶selection: {seed: 1}\n",
            "dimensions[0].selection.k: is requ",
        ),
        # Wrong types
        ("models: ¶none\n", "models: must be a list"),
        ("models:\n  - ¶a\n", "models[0]: must be fields and their values"),
        ("models:\n  - slug: a\n    endpoint: ¶http://x\n", "models[0].endpoint: must be fields and their values"),
        (f"{MODEL}    may_judge: ¶perhaps\n", "models[0].may_judge: must be true or false"),
        (f"{MODEL}    display_name: ¶7\n", "models[0].display_name: must be text; what looks like a number"),
        (f"{MODEL}    labels: {{team: ¶no}}\n", "models[0].labels.team: must be text"),
        (f"{MODEL}    ¶labels: [core]\n", "models[0].labels: must be names and their values"),
        (f"{MODEL}    concurrency: ¶yes\n", "models[0].concurrency: must be a number"),
        (f"{MODEL}    concurrency: ¶2.5\n", "models[0].concurrency: must be a whole number"),
        (f"{MODEL}    requests_per_minute: ¶-1\n", "models[0].requests_per_minute: must be at least 0"),
        # Names
        (
            "models:\n\n  - slug: ¶GPT 5\n    endpoint: {base_url: 'http://x', upstream_model: y}\n",
            "models[0].slug: 'GPT 5'",
        ),
        (
            f"{MODEL}  - slug: ¶a\n    endpoint: {{base_url: 'http://x', upstream_model: y}}\n",
            "models[1].slug: 'a' is decla",
        ),
        (
            "keys:\n  - key_reference: env:K\n  - key_reference: ¶env:K\n",
            "keys[1].key_reference: 'env:K' is declared twice",
        ),
        # Endpoints
        (
            endpoint("base_url: ¶ftp://x, upstream_model: y"),
            "models[0].endpoint.base_url: must begin with http:// or http",
        ),
        (
            endpoint("base_url: ¶'http://', upstream_model: y"),
            "models[0].endpoint.base_url: must begin with http:// or ht",
        ),
        (endpoint("base_url: ¶'http://[::1', upstream_model: y"), "models[0].endpoint.base_url: is not a URL such as"),
        (
            endpoint("base_url: ¶'http://x?key=1', upstream_model: y"),
            "models[0].endpoint.base_url: must have neither a que",
        ),
        (
            endpoint(f"base_url: ¶'http://me:{SECRET}@x', upstream_model: y"),
            "models[0].endpoint.base_url: must not hold a user or a password",
        ),
        (
            endpoint("base_url: 'http://x', upstream_model: y, reply_limit_member: ¶limit"),
            "models[0].endpoint.reply_limit_member: must be one of '', 'max_tokens' or 'max_completion_tokens'",
        ),
        # Keys are never taken, and never repeated
        (
            endpoint(f"base_url: 'http://x', upstream_model: y, key_reference: ¶{SECRET}"),
            "models[0].endpoint.key_reference: must be env:NAME or file:/path, the place of a key; a key itself",
        ),
        (
            endpoint(f"base_url: 'http://x', upstream_model: y, ¶api_key: {SECRET}"),
            "models[0].endpoint.api_key: is no field; say where the key is by `key_reference`, never the key",
        ),
        (f"keys:\n  - key_reference: ¶{SECRET}\n", "keys[0].key_reference: must be env:NAME or file:/path"),
        # Durations and money
        (f"{MODEL}    timeout_seconds: ¶soon\n", "models[0].timeout_seconds: must be a number"),
        (f"{MODEL}    timeout_seconds: ¶90s\n", "models[0].timeout_seconds: must be a number"),
        (f"{MODEL}    timeout_seconds: ¶0\n", "models[0].timeout_seconds: must be at least 0.001"),
        (f"{MODEL}    deadline_seconds: ¶100000\n", "models[0].deadline_seconds: must be at most 86,400"),
        (
            f"{MODEL}    deadline_seconds: ¶30\n",
            "models[0].deadline_seconds: must be at least timeout_seconds, which is 60",
        ),
        (
            f"{MODEL}    price:\n      per_million_input_tokens: ¶1.0e-10\n",
            "models[0].price.per_million_input_tokens: must be from 0 to 1,000,000, with at most nine decimals",
        ),
        (
            f"{MODEL}    price: {{per_million_input_tokens: ¶cheap}}\n",
            "models[0].price.per_million_input_tokens: must be a nu",
        ),
        (
            f"{MODEL}    price: {{currency: ¶dollars}}\n",
            "models[0].price.currency: must be a currency code such as USD",
        ),
        (ranking("target_cost: ¶0.5"), "dimensions[0].ranking.target_cost: must be text"),
        (
            ranking("target_cost: ¶half a dollar"),
            "dimensions[0].ranking.target_cost: 'half a dollar' is not an amount such as '0.50 USD'",
        ),
        # Parameters
        (f"{MODEL}    answer_parameters: {{top_p: ¶1.5}}\n", "models[0].answer_parameters.top_p: must be at most 1"),
        (
            f"{MODEL}    judge_parameters: {{temperature: ¶.inf}}\n",
            "models[0].judge_parameters.temperature: must be a finite",
        ),
        (
            f"{MODEL}    judge_parameters: {{max_tokens: ¶0}}\n",
            "models[0].judge_parameters.max_tokens: must be at least 1",
        ),
        (
            f"{MODEL}    judge_parameters:\n      ¶extra_body: {{since: 2026-11-24}}\n",
            "models[0].judge_parameters.extra_body: no canonical JSON",
        ),
        # Dimensions
        (
            "dimensions:\n  - slug: d\n    selection: {k: 3}\n    pool: ¶nowhere.jsonl\n",
            "dimensions[0].pool: there is no file",
        ),
        (
            "dimensions:\n  - slug: d\n    pool: x.jsonl\n    selection: {k: ¶0}\n",
            "dimensions[0].selection.k: must be at least 1",
        ),
        ("dimensions:\n  - ¶slug: d\n    selection: {k: 3}\n", "dimensions[0]: pool and generate are both missing"),
        (
            ("dimensions:\n  - ¶slug: d\n    pool: x.jsonl\n    selection: {k: 1}\n" + GENERATED),
            "dimensions[0]: pool and generate stand beside each other",
        ),
        (
            ("dimensions:\n  - slug: d\n    ¶map: {text: question}\n    selection: {k: 1}\n" + GENERATED),
            "dimensions[0].map: is for a pool, and generate reads none",
        ),
        (
            "dimensions:\n  - slug: d\n    pool: x.csv\n    map: {question: ¶text}\n    selection: {k: 1}\n",
            "dimensions[0].map.question",
        ),
        (
            "dimensions:\n  - slug: d\n    pool: x.csv\n    format: ¶excel\n    selection: {k: 1}\n",
            "dimensions[0].format: ",
        ),
        (
            "dimensions:\n  - slug: d\n    selection: {k: 3}\n    generate: {kind: ¶alchemy, size: 9}\n",
            "dimensions[0].generate.kind: 'alchemy' is not known; there is: algebra",
        ),
        (
            "dimensions:\n  - slug: d\n    selection: {k: 3}\n    generate: {kind: algebra, size: ¶0}\n",
            "dimensions[0].generate.size: must be at least 1",
        ),
        (
            "dimensions:\n  - slug: d\n    pool: x.jsonl\n    selection: {k: 3, pilot: {budget: ¶five}}\n",
            "dimensions[0].selection.pilot.budget: ",
        ),
        (ranking("error: ¶0.6"), "dimensions[0].ranking.error: must be at most 0.5"),
        (ranking("most_rounds: ¶4294967296"), "dimensions[0].ranking.most_rounds: must be below 4,294,967,296"),
        (ranking("target_rank_width: ¶1.5"), "dimensions[0].ranking.target_rank_width: must be a whole number"),
        (ranking("seats: ¶three"), "dimensions[0].ranking.seats: must be one of '', 'both' or 'single'"),
        (
            f"{DIMENSION}    judging: {{exclude_family: ¶mine}}\n",
            "dimensions[0].judging.exclude_family: must be true or false",
        ),
        (
            f"{DIMENSION}    judging: {{rubric: short, ¶rubric_file: x.jsonl}}\n",
            "dimensions[0].judging.rubric_file: stands beside rubric; give one of them",
        ),
        (f"{DIMENSION}    judging: {{rubric_file: ¶nowhere.txt}}\n", "dimensions[0].judging.rubric_file: "),
        (
            f"{DIMENSION}    template: ¶pairwise@1\n    judging: {{template_text: mine}}\n",
            "dimensions[0].template: stands beside a template of the dimension's own",
        ),
        # By way of anchors: where the value itself stands
        (
            f"x-base: &base {{concurrency: ¶many}}\n{MODEL}    <<: *base\n",
            "models[0].concurrency: must be a whole number",
        ),
    ],
)
def test_what_is_wrong_is_pointed_at(tmp_path: Path, content: str, description: str) -> None:
    (place,) = places(content)
    ((field, told),) = refused(tmp_path, content.replace(HERE, ""))
    assert (field, told[: len(description)]) == (place, description)


@pytest.mark.parametrize(
    ("content", "description"),
    [
        ("", "is empty; it must hold `models`, `dimensions` or `keys`"),
        ("# nothing yet\n", "is empty"),
        ("- slug: a\n", "must hold `models`, `dimensions` or `keys`"),
        (b"models: \xff\n", "is not YAML"),
        (b"\x00", "is not YAML"),
        ("models: []\n---\nmodels: []\n", "is not YAML: but found another document"),
        (b"#" * (LARGEST_FILE + 1), "has more than 1,048,576 bytes"),
        ("x: " + "[" * 5000 + "]" * 5000, "is nested too deeply"),
        (
            "x-a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "".join(
                f"x-{one}: &{one} [{', '.join([f'*{before}'] * 10)}]\n"
                for before, one in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "holds more than 100,000 values once aliases are followed",
        ),
    ],
)
def test_what_is_no_arena_file_at_all_is_refused(tmp_path: Path, content: str | bytes, description: str) -> None:
    ((field, told),) = refused(tmp_path, content)
    assert (field.split(":")[0], told[: len(description)]) == ("arena.yaml", description)


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    content = (
        "¶colour: red\n"
        "dimensions:\n"
        "  - slug: ¶D\n"
        "    selection: {k: ¶few}\n"
        "    pool: x.jsonl\n"
        "models:\n"
        "  - ¶slug: ¶A\n"
        "    may_judge: ¶perhaps\n"
        "    ¶endpont: {}\n"
    )
    assert [place for place, _ in refused(tmp_path, content.replace(HERE, ""))] == places(content)
