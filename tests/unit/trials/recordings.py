"""Small made-up recordings for the tests of replays."""

from typing import Any

import numpy as np
from scipy.special import expit

from dearena.vote_files import VoteColumns
from dearena.vote_files.builder import Builder

SKILL = {"Alpha 1": 2.4, "beta": 1.2, "Gamma (x)": 0.0, "delta": -1.2, "epsilon": -2.4}


def columns(rows: list[dict[str, Any]]) -> VoteColumns:
    """Rows as a file of them would be read; each has judge, model_a, model_b, query_id and winner."""
    builder = Builder("made up")
    fields = sorted({field for row in rows for field in row})
    builder.add({field: [row.get(field) for row in rows] for field in fields}, len(rows), lambda row: f"row {row}")
    return builder.built()


def recording(seed: int = 0, queries: int = 12, gaps: float = 0.2) -> list[dict[str, Any]]:
    """Each model judges each other pair on each query, some of it lost; an outside judge, and a rare model."""
    chance = np.random.default_rng(seed)
    names = list(SKILL)
    rows = []
    for query in range(queries):
        appeal = {name: SKILL[name] + 0.8 * chance.normal() for name in names}
        for judge in [*names, "outside"]:
            for place, one in enumerate(names):
                for other in names[place + 1 :]:
                    if judge in {one, other} or chance.random() < gaps:
                        continue
                    pair = (one, other) if chance.random() < 0.5 else (other, one)
                    won = chance.random() < expit(1.6 * (appeal[pair[0]] - appeal[pair[1]]))
                    winner = "tie" if chance.random() < 0.1 else "a" if won else "b"
                    rows.append(
                        {
                            "judge": judge,
                            "model_a": pair[0],
                            "model_b": pair[1],
                            "query_id": f"q{query:02}",
                            "winner": winner,
                        }
                    )
    rows.append({"judge": "beta", "model_a": "rare", "model_b": "delta", "query_id": "q00", "winner": "a"})
    return rows
