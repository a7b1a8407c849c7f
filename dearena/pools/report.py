"""What a pool is like, before a dimension is made of it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dearena.pools.importing import Entry, Imported
from dearena.pools.json_lines import LISTED_LINES, Pool
from dearena.pools.languages import language_of
from dearena.pools.near_duplicates import NEXT_TURN, Group, near_duplicates, told_alike

SHARES: Final = {"least": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1.0}
BYTES_PER_TOKEN: Final = 4
"""A usual rule of thumb for English; other scripts have other ones."""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of a pool."""

    imported: Imported
    groups: tuple[Group, ...]
    """Near-duplicates, by index in `imported.entries`."""
    conflicting: int
    """Questions whose text, but not reference, is that of an earlier one."""
    characters: Mapping[str, int]
    tokens: Mapping[str, int]
    languages: Mapping[str, int]
    categories: Mapping[str, int]
    sources: Mapping[str, int]
    licences: Mapping[str, int]
    with_reference: int
    pool_hash: str
    """Of the questions that are not broken; empty when there are none."""

    @property
    def duplicates(self) -> int:
        """Questions that merging would leave out."""
        return sum(len(group.others) for group in self.groups)

    @property
    def is_good(self) -> bool:
        """Whether a dimension can be made of it."""
        return bool(self.imported.entries) and not self.imported.broken

    def plain(self) -> dict[str, Any]:
        """The report for programs; of broken rows and groups as many as are listed."""
        entries, broken = self.imported.entries, self.imported.broken
        return {
            "questions": len(entries),
            "broken": len(broken),
            "broken_rows": [{self.imported.unit: one.place, "why": one.why} for one in broken[:LISTED_LINES]],
            "made_ids": self.imported.made_ids,
            "near_duplicates": self.duplicates,
            "groups": [
                {
                    "stays": self._place(group.stays),
                    "others": [self._place(index) for index in group.others[:LISTED_LINES]],
                    "size": 1 + len(group.others),
                }
                for group in self.groups[:LISTED_LINES]
            ],
            "conflicting_references": self.conflicting,
            "characters": dict(self.characters),
            "approximate_tokens": dict(self.tokens),
            "languages": dict(self.languages),
            "categories": dict(self.categories),
            "sources": dict(self.sources),
            "licences": dict(self.licences),
            "with_reference": self.with_reference,
            "several_turns": sum(len(entry.question.turns) > 1 for entry in entries),
            "pool_hash": self.pool_hash,
        }

    def _place(self, index: int) -> dict[str, Any]:
        return place_of(self.imported.entries[index], self.imported.unit)


@dataclass(frozen=True, slots=True)
class Merged:
    """A pool without near-duplicates."""

    entries: tuple[Entry, ...]
    left_out: tuple[tuple[Entry, Entry], ...]
    """Each question that went, and the one that stayed for it."""

    def plain(self, unit: str) -> list[dict[str, Any]]:
        """Who went into whom, for programs."""
        return [{**place_of(gone, unit), "into": place_of(stays, unit)} for gone, stays in self.left_out]


def place_of(entry: Entry, unit: str) -> dict[str, Any]:
    """A question's id, and where it stands in its file."""
    return {"id": entry.question.query_id, unit: entry.question.line}


def report(imported: Imported) -> Report:
    """The figures of a pool, broken rows left out but told."""
    entries = imported.entries
    texts = [_asked(entry) for entry in entries]
    return Report(
        imported=imported,
        groups=_groups(entries),
        conflicting=_conflicting(entries),
        characters=_shares([len(text) for text in texts]),
        tokens=_shares([-(-len(text.encode()) // BYTES_PER_TOKEN) for text in texts]),
        languages=_counted([language_of(text) for text in texts]),
        categories=_counted([entry.question.category for entry in entries]),
        sources=_counted([entry.source for entry in entries]),
        licences=_counted([entry.licence for entry in entries]),
        with_reference=sum(bool(entry.question.reference) for entry in entries),
        pool_hash=Pool(tuple(entry.question for entry in entries)).pool_hash() if entries else "",
    )


def merged(entries: Sequence[Entry]) -> Merged:
    """The questions without near-duplicates: of each group the first stays, as it is."""
    stays_for = {index: group.stays for group in _groups(entries) for index in group.others}
    return Merged(
        entries=tuple(entry for index, entry in enumerate(entries) if index not in stays_for),
        left_out=tuple((entries[index], entries[stays]) for index, stays in sorted(stays_for.items())),
    )


def _groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    return near_duplicates(
        [NEXT_TURN.join(entry.question.turns) for entry in entries], [entry.question.reference for entry in entries]
    )


def _conflicting(entries: Sequence[Entry]) -> int:
    references: dict[str, str] = {}
    found = 0
    for entry in entries:
        reference = told_alike(entry.question.reference)
        found += references.setdefault(told_alike(NEXT_TURN.join(entry.question.turns)), reference) != reference
    return found


def _asked(entry: Entry) -> str:
    return "\n".join(entry.question.turns)


def _shares(values: list[int]) -> dict[str, int]:
    """Quantiles, each a value that is there."""
    ordered = sorted(values)
    return {name: ordered[round(share * (len(ordered) - 1))] for name, share in SHARES.items()} if ordered else {}


def _counted(values: list[str]) -> dict[str, int]:
    """Times by value, the most frequent first."""
    return dict(sorted(Counter(values).items(), key=lambda found: (-found[1], found[0])))
