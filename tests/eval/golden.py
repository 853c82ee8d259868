"""Ranks of the graded records, question by question, kept in a file: a change of ranking shows as a small diff."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.eval.judged import Question

DEPTH = 50
"""Ranks beyond are written as null."""

NAME = "atlas.ranks.json"

Ranks = dict[str, int | None]


class Golden(NamedTuple):
    """``header``: what the ranks hang on and the means they gave; ``ranks``: by question, the rank of each record."""

    header: dict[str, object]
    ranks: dict[str, Ranks]


def ranks_of(question: Question, ranking: Sequence[str]) -> Ranks:
    """Rank (from 1) of every record graded above 0, best grade first."""
    places = {item: rank for rank, item in enumerate(ranking[:DEPTH], start=1)}
    relevant = sorted((-grade, item) for item, grade in question.grades.items() if grade > 0)
    return {item: places.get(item) for _, item in relevant}


def write(golden: Golden, path: Path) -> None:
    """One line for the header, one a question."""
    lines = [f'"header": {json.dumps(golden.header, sort_keys=True)}']
    lines += [f"{json.dumps(key)}: {json.dumps(ranks)}" for key, ranks in golden.ranks.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read(path: Path) -> Golden | None:
    """The stored ranks, or None before the first ``write``."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text())
    return Golden(stored.pop("header"), stored)


def changes(old: Mapping[str, Ranks], new: Mapping[str, Ranks]) -> list[str]:
    """What differs, one line a question: ``id  record old→new``."""
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key, {}), new.get(key, {})
        moved = [
            f"{item} {_shown(before.get(item))}→{_shown(after.get(item))}"
            for item in dict.fromkeys((*before, *after))
            if before.get(item) != after.get(item) or (item in before) != (item in after)
        ]
        if moved or (key in old) != (key in new):
            lines.append(f"{key}  " + ", ".join(moved))
    return lines


def _shown(rank: int | None) -> str:
    return str(rank) if rank is not None else "–"
