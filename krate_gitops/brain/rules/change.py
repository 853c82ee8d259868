"""Rules that compare a proposed commit with its base: what may happen to records that exist.

A record is followed by its id, so a file that moves is no deletion. Only the files that differ are looked at; what the
rest of the brain holds comes in as a question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from krate_gitops.brain.base_fields import RUN_MEMORY_KINDS, SENSITIVITIES
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding, NodeKind, Ontology, Record, Related
from krate_gitops.brain.ontology.change import Usage, check_bump, removed_in_use
from krate_gitops.brain.ontology.lookup import OntologyIndex
from krate_gitops.brain.rules.place import Placed, document_ordinals, pointer
from krate_gitops.brain.rules.transitions import DELETED, NEW, STEPS, Step, is_allowed, ways_on


class Version(msgspec.Struct, frozen=True):
    """One side of a change: its differing files by path, and its ontology."""

    files: Mapping[str, ParsedFile]
    index: OntologyIndex


class Occurrence(NamedTuple):
    """A record and where it stands."""

    path: str
    ordinal: int
    record: Record


def _nowhere(_: str) -> bool:
    return False


class ChangeCase:
    """A change with its records by id. ``untouched`` tells whether a file that does not differ holds an id."""

    def __init__(
        self,
        old: Version,
        new: Version,
        *,
        renames: Mapping[str, str],
        untouched: Callable[[str], bool],
        owner_approved: bool,
    ) -> None:
        self.old, self.new = old, new
        self.renames = renames
        self.owner_approved = owner_approved
        self.before = _by_id(old.files)
        self.after = _by_id(new.files)
        # What a file that cannot be read holds is unknown; its records are neither gone nor new.
        self._unread_now = {path for path, file in new.files.items() if file.parse_error}
        self._unread_then = {self.path_now(path) for path, file in old.files.items() if file.parse_error}
        self._untouched = untouched

    def kept(self) -> Iterator[tuple[Occurrence, Occurrence]]:
        """Records on both sides, wherever they stand."""
        for identifier, before in self.before.items():
            after = self.after.get(identifier)
            if after is not None:
                yield before, after

    def gone(self) -> list[Occurrence]:
        """Records that are nowhere any more."""
        return [
            before
            for identifier, before in self.before.items()
            if identifier not in self.after
            and self.path_now(before.path) not in self._unread_now
            and not self._untouched(identifier)
        ]

    def added(self) -> list[Occurrence]:
        """Records that were nowhere before."""
        return [
            after
            for identifier, after in self.after.items()
            if identifier not in self.before and after.path not in self._unread_then and not self._untouched(identifier)
        ]

    def path_now(self, path: str) -> str:
        """Where a file of the old side stands on the new one."""
        return self.renames.get(path, path)

    def renamed_ids(self) -> list[tuple[Occurrence, Occurrence]]:
        """Pairs of the record that is gone from a file and the one new record in its place."""
        added: dict[str, list[Occurrence]] = {}
        for after in self.added():
            added.setdefault(after.path, []).append(after)
        gone: dict[str, list[Occurrence]] = {}
        for before in self.gone():
            gone.setdefault(self.path_now(before.path), []).append(before)
        pairs: list[tuple[Occurrence, Occurrence]] = []
        for path, befores in gone.items():
            # With several of each nobody can say which became which; then they are deletions.
            if len(befores) == 1 and len(added.get(path, ())) == 1:
                pairs.append((befores[0], added[path][0]))
        return pairs


def _by_id(files: Mapping[str, ParsedFile]) -> dict[str, Occurrence]:
    found: dict[str, Occurrence] = {}
    for path in sorted(files):
        file = files[path]
        ordinals = document_ordinals(file)
        for ordinal, record in zip(ordinals, file.records, strict=True):
            if not record.patch:
                found.setdefault(record.id, Occurrence(path, ordinal, record))
    return found


def check_change(
    old: Version,
    new: Version,
    *,
    renames: Mapping[str, str] | None = None,
    untouched: Callable[[str], bool] = _nowhere,
    owner_approved: bool = False,
) -> list[Placed]:
    """Findings of profile U about records, by path in the new commit (KB057: in the old one).

    ``old`` and ``new`` hold every file that differs and exists there. ``renames`` maps old paths to new ones where the
    proposal says so. ``owner_approved`` says that a memory owner approved the change.
    """
    case = ChangeCase(old, new, renames=renames or {}, untouched=untouched, owner_approved=owner_approved)
    return [finding for rule in CHANGE_RULES for finding in rule(case)]


def check_ontology_change(old: Ontology, new: Ontology, usage: Usage) -> list[Placed]:
    """Findings of profile U about the ontology: KB085, KB087. ``usage`` counts in the new commit."""
    if old.digest == new.digest:
        return []
    return [(item.path, item.finding) for item in (*check_bump(old, new), *removed_in_use(old, new, usage))]


def id_changed(case: ChangeCase) -> Iterator[Placed]:
    """KB034: the record of a file keeps its id."""
    for before, after in case.renamed_ids():
        message = f"{before.record.id} became {after.record.id}"
        related = (Related(before.path, before.record.id),)
        yield _at(after, "KB034", message, "id", related=related)


def forbidden_delete(case: ChangeCase) -> Iterator[Placed]:
    """KB057: what was approved is not deleted. An id that was changed is another matter."""
    changed = {before.record.id for before, _ in case.renamed_ids()}
    for before in case.gone():
        status = _status(before.record)
        if before.record.id in changed or status is None or STEPS[status][DELETED] is not Step.NO:
            continue
        if case.owner_approved and before.record.kind in RUN_MEMORY_KINDS:
            continue  # a memory owner may have less of a run kept than before
        finding = Finding("KB057", f"{status} records cannot be deleted", offset=0, record_id=before.record.id)
        yield before.path, finding


def forbidden_transition(case: ChangeCase) -> Iterator[Placed]:
    """KB052: status moves along the lifecycle."""
    for before, after in case.kept():
        yield from _transition(case, _status(before.record), after)
    changed = {after.record.id: before for before, after in case.renamed_ids()}
    for after in case.added():
        # A changed id does not make a record young.
        before_change = changed.get(after.record.id)
        yield from _transition(case, _status(before_change.record) if before_change else NEW, after)


def _transition(case: ChangeCase, source: str | None, after: Occurrence) -> Iterator[Placed]:
    target = _status(after.record)
    if source is None or target is None:
        return
    kind = _kind(case.new.index, after.record)
    direct = kind is not None and kind.archive_direct
    if is_allowed(source, target, archive_direct=direct, owner_approved=case.owner_approved):
        return
    if source == NEW:
        message = f"a new record cannot be {target}"
    elif STEPS[source][target] is Step.OWNER:
        message = f"{source} → {target} needs the approval of a memory owner"
    else:
        message = f"{source} → {target} is not allowed"
    hint = "allowed: " + ", ".join(ways_on(source, archive_direct=direct))
    yield _at(after, "KB052", message, pointer(after.record.form, "status"), hint=hint)


def updated_at_not_advanced(case: ChangeCase) -> Iterator[Placed]:
    """KB058: changed content has a later updatedAt."""
    for before, after in case.kept():
        old, new = before.record, after.record
        if old.digest == new.digest or not old.updated_at or not new.updated_at or new.updated_at > old.updated_at:
            continue
        what = _what_changed(old, new)
        if what:
            verb = "went back" if new.updated_at < old.updated_at else "did not"
            yield _at(after, "KB058", f"{what} changed, updatedAt {verb}", pointer(new.form, "updatedAt"))


_NOT_CONTENT = {"digest": "", "start": 0, "end": 0, "updated_at": None}


def _what_changed(old: Record, new: Record) -> str:
    """``body``, ``content`` or nothing: other spaces and comments in YAML are no change of content."""
    if msgspec.structs.replace(old, **_NOT_CONTENT) != msgspec.structs.replace(new, **_NOT_CONTENT):
        return "content"
    return "" if new.form == "graph" else "body"


def sensitivity_lowered(case: ChangeCase) -> Iterator[Placed]:
    """KB065: neither records nor notes become readable for more people without a memory owner."""
    if case.owner_approved:
        return
    for before, after in [*case.kept(), *case.renamed_ids()]:
        old = case.old.index.sensitivity(before.record.kind, before.record.sensitivity)
        new = case.new.index.sensitivity(after.record.kind, after.record.sensitivity)
        if _is_lower(new, old):
            yield _at(after, "KB065", f"{old} → {new}", pointer(after.record.form, "sensitivity"))
    for path, file in case.old.files.items():
        now = case.new.files.get(case.path_now(path))
        if file.note is not None and now is not None and now.note is not None:
            old, new = file.note.sensitivity or "internal", now.note.sensitivity or "internal"
            if _is_lower(new, old):
                yield now.path, Finding("KB065", f"{old} → {new}", 0, "sensitivity")


def _is_lower(new: str, old: str) -> bool:
    return SENSITIVITIES.index(new) < SENSITIVITIES.index(old)


CHANGE_RULES: tuple[Callable[[ChangeCase], Iterator[Placed]], ...] = (
    id_changed,
    forbidden_delete,
    forbidden_transition,
    updated_at_not_advanced,
    sensitivity_lowered,
)
"""Rules about the records of a change."""


def _status(record: Record) -> str | None:
    """Status of a record; None where it cannot be told, which parsing has reported."""
    return record.status or ("draft" if record.form == "note" else None)


def _kind(index: OntologyIndex, record: Record) -> NodeKind | None:
    return index.ontology.node_kinds.get(record.kind)


def _at(
    place: Occurrence, code: str, message: str, field: str, *, hint: str = "", related: tuple[Related, ...] = ()
) -> Placed:
    finding = Finding(code, message, place.ordinal, field, record_id=place.record.id, hint=hint, related=related)
    return place.path, finding
