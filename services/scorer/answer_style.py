"""What the answers of a dimension look like, read from the gateway a page at a time: texts are not kept."""

import asyncio
from collections.abc import Sequence

import numpy as np

from dearena.names import DimensionName
from dearena.scoring.markup import Markup
from dearena.scoring.style import Style
from services.scorer.records import Records


async def answer_style(records: Records, name: DimensionName, version: int, models: Sequence[str]) -> Style:
    """Features of all usable answers of some models to a dimension version."""
    pages: list[Style] = []
    for model in models:
        async for answers in records.answers(name, version, model):
            of_page = [(model, query, text) for query, text in answers]
            pages.append(await asyncio.to_thread(Style.of_texts, of_page))
    return _together(pages)


def _together(pages: Sequence[Style]) -> Style:
    """The features of all pages; an answer stands on one of them."""
    models = tuple(sorted({model for page in pages for model in page.models}))
    queries = tuple(sorted({query for page in pages for query in page.queries}))
    column = {model: index for index, model in enumerate(models)}
    row = {query: index for index, query in enumerate(queries)}
    values = np.full((len(queries), len(models), len(Markup._fields)), np.nan)
    for page in pages:
        rows = [row[query] for query in page.queries]
        columns = [column[model] for model in page.models]
        values[np.ix_(rows, columns)] = page.values
    return Style(Markup._fields, models, queries, values)
