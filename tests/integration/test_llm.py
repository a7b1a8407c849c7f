"""A real server and a real model in the arena; the packages are an extra, and may be absent."""

from pathlib import Path

import pytest

from dearena.attacks.corpus import NAMES
from dearena.cli import output
from dearena.local import llm, llm_report, llm_servers, real_models, stack

PYTHON = Path(__file__).parents[2] / llm_servers.PYTHON

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-llm: `make run-llm` makes it"),
    pytest.mark.timeout(1800),
]


async def test_real_models_answer_and_their_verdicts_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_models, "_FACTS", real_models._FACTS[:4])
    ranking = type(llm.RANKING)()
    ranking.CopyFrom(llm.RANKING)
    ranking.cap = 4
    monkeypatch.setattr(llm, "RANKING", ranking)
    slugs = [model.slug for model in real_models.REAL_MODELS]
    async with (
        stack.running(tmp_path / "state", worlds={llm.WORLD: {"kind": "planted", "seed": 0}}) as running,
        llm_servers.serving(slugs, tmp_path, PYTHON) as urls,
    ):
        ranked = await llm.rank(running, urls, output.console())
    said = llm.real(ranked)
    assert len(said) == len(slugs)
    for judge, verdicts in said.items():
        assert ranked.usable[judge] >= 3
        assert verdicts.calls >= 4
        assert verdicts.share_readable is not None
        assert verdicts.share_readable >= llm_report.LEAST_READABLE
        trial = ranked.tried[judge]
        assert [one.attack for one in trial.attacks] == sorted(llm.ATTACKS, key=NAMES.index)
        assert sum(one.readable for one in trial.attacks) >= llm_report.LEAST_READABLE * 2 * 11
        assert not any(one.failed for one in trial.attacks)
    assert len(ranked.board.rows) == len(slugs) + len(real_models.SPARRING)
