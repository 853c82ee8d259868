"""What an update does to records: which ones its files hold before and after, and who owns them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from krate_gitops.memory.opened import OpenIndex


class RecordState(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One record at one commit, as reviews need it."""

    id: str
    kind: str
    path: str
    title: str = ""
    status: str | None = None
    sensitivity: str | None = None
    owners: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    digest: str = ""


def records_in(opened: OpenIndex, paths: Iterable[str]) -> dict[str, RecordState]:
    """Records of some files by id. Notes without an id are none."""
    columns = opened.columns
    found: dict[str, RecordState] = {}
    for path in sorted(set(paths)):
        number = columns.file_number.get(path)
        if number is None:
            continue
        for record in columns.file(number).records:
            if record.patch or record.id in found:
                continue
            found[record.id] = RecordState(
                id=record.id,
                kind=record.kind,
                path=path,
                title=record.title or "",
                status=record.status,
                sensitivity=record.sensitivity,
                owners=record.owners,
                repositories=record.repo_refs,
                digest=record.digest,
            )
    return found


def members_of(opened: OpenIndex, owners: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each owner that is a team of the brain, the people its record names; others aren't in the answer."""
    found: dict[str, tuple[str, ...]] = {}
    for owner in sorted(set(owners)):
        number = opened.graph.defined(owner)
        if number < 0:
            continue
        record = opened.columns.record(number)
        people = [*_names(record.attributes.get("members")), *_names(record.attributes.get("lead"))]
        if people:
            found[owner] = tuple(dict.fromkeys(people))
    return found


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, (list, tuple)) else []


def transition(before: RecordState | None, after: RecordState | None) -> str:
    """A change of status as people read it; empty where there is none."""
    old, new = (one.status if one else None for one in (before, after))
    if old == new:
        return ""
    return f"{old or 'new'} → {new or 'deleted'}"


def pairs(
    before: Mapping[str, RecordState], after: Mapping[str, RecordState]
) -> list[tuple[RecordState | None, RecordState | None]]:
    """Each record of either side with itself on the other, by id."""
    return [(before.get(id), after.get(id)) for id in sorted(before.keys() | after.keys())]
