"""Rules for what imports of agent runs leave in a brain: where it came from, its order, and how much of it there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding, Record, Related, Severity
from krate_gitops.brain.rules.place import Placed, document_ordinals
from krate_gitops.brain.rules.plan import RecordCase

RUNS = "babysitter/runs/"
_HOME = "babysitter/"

# Fields that tie a record of each kind to its source. Events, tasks and sessions reach organization and repository
# through their run, a retrospective reaches all three through it.
_PROVENANCE: Mapping[str, tuple[str, ...]] = {
    "BabysitterRun": ("organization", "repository", "sourceDigest"),
    "BabysitterSession": ("sourceDigest",),
    "RunJournalEvent": ("sourceDigest",),
    "RunTaskResult": ("sourceDigest",),
    "RunRetrospective": (),
}

_NORMALISED = re.compile(
    r"run\.ya?ml|journal/[0-9]{6}\.ya?ml|tasks/[^/]+\.ya?ml|artifacts/manifest\.yaml|(?:.+/)?\.gitkeep"
)

MAX_CURATED_EVENTS = 200
_ALL_EVENTS = "full-journal-redacted"
_CURATED = "curated-journal"
# What a tier keeps of a run folder beside run.yaml.
_KEEPS: Mapping[str, frozenset[str]] = {
    "summary-only": frozenset(("tasks", "artifacts")),
    _CURATED: frozenset(("tasks", "artifacts", "journal")),
    _ALL_EVENTS: frozenset(("tasks", "artifacts", "journal")),
    "artifact-manifest-only": frozenset(("artifacts",)),
    "artifact-bytes-retained": frozenset(("artifacts",)),
}


def applies(case: RecordCase) -> bool:
    """Whether a record of a run-memory kind is run memory.

    A foreign ontology may use these names for something of its own, so there the record's place decides.
    """
    return case.plan.index.foreign is None or case.file.path.startswith(_HOME)


def provenance(case: RecordCase) -> Iterable[Finding]:
    """KB090: the record says of which organization, repository and source it is."""
    attributes = case.record.attributes
    return [
        case.finding("KB090", f"{name} missing", case.field(name))
        for name in _PROVENANCE[case.record.kind]
        if attributes.get(name) in (None, "")
    ]


def organization(case: RecordCase) -> Iterable[Finding]:
    """KB091: the record is of this organization, as far as that is known."""
    stated = case.record.attributes.get("organization")
    if not case.organization or stated in (None, "", case.organization, f"org:{case.organization}"):
        return ()
    return [case.finding("KB091", "run belongs to another organization", case.field("organization"))]


RUN_RULES: tuple[Callable[[RecordCase], Iterable[Finding]], ...] = (provenance, organization)
"""Rules for each record of run memory."""


def is_normalised_run_file(path: str) -> bool:
    """Whether a path may stand below ``babysitter/runs/``; files beside the run folders are no matter of KB093."""
    _, _, inside = path.removeprefix(RUNS).partition("/")
    return not inside or _NORMALISED.fullmatch(inside) is not None


def check_runs(files: Iterable[ParsedFile]) -> list[Placed]:
    """What only a whole run folder shows: KB092 and KB096.

    ``files`` are all files below ``babysitter/runs/``, or all of the runs a change touches; others are passed over.
    """
    events: list[JournalEvent] = []
    runs: list[tuple[str, int, Record]] = []
    folders: dict[str, list[str]] = {}
    for file in files:
        if not file.path.startswith(RUNS):
            continue
        folders.setdefault(_folder(file.path), []).append(file.path)
        for ordinal, record in zip(document_ordinals(file), file.records, strict=True):
            event = journal_event(file.path, ordinal, record)
            if event is not None:
                events.append(event)
            elif record.kind == "BabysitterRun":
                runs.append((file.path, ordinal, record))
    tiers = {
        record.id: tier for _, _, record in runs if isinstance(tier := record.attributes.get("retentionTier"), str)
    }
    found = journal_sequences(events, tiers)
    for path, ordinal, record in runs:
        found += ((path, finding) for finding in check_retention(record, ordinal, folders[_folder(path)]))
    return found


def _folder(path: str) -> str:
    return path.removeprefix(RUNS).partition("/")[0]


class JournalEvent(msgspec.Struct, frozen=True, array_like=True):
    """What the order of a journal is judged by. ``run`` is the id of the run, ``record`` the ordinal in the file."""

    path: str
    record: int
    record_id: str
    run: str
    sequence: int


def journal_event(path: str, ordinal: int, record: Record) -> JournalEvent | None:
    """The event that a record is, or None for other kinds and for events without a readable number."""
    sequence = record.attributes.get("sequence")
    if record.kind != "RunJournalEvent" or type(sequence) is not int or not path.startswith(RUNS):
        return None
    return JournalEvent(path, ordinal, record.id, _run_of(record), sequence)


def _run_of(event: Record) -> str:
    """Id of the run: where the edge leads, else what the event's own id says."""
    for edge in event.edges:
        if edge.kind == "event_of_run":
            return edge.target
    return "babysitter-run:" + event.id.partition(":")[2].rpartition(":")[0]


def journal_sequences(events: Iterable[JournalEvent], tiers: Mapping[str, str]) -> list[Placed]:
    """KB092 over all events of the runs concerned.

    ``tiers`` maps a run's id to its ``retentionTier``; a curated journal is meant to have gaps.
    """
    runs: dict[str, list[JournalEvent]] = {}
    for event in events:
        runs.setdefault(event.run, []).append(event)
    found: list[Placed] = []
    for run, members in runs.items():
        members.sort(key=lambda event: (event.sequence, event.path, event.record))
        found += _order_of_run(members, gaps=tiers.get(run) != _CURATED)
    return found


def _order_of_run(events: Sequence[JournalEvent], *, gaps: bool) -> Iterable[Placed]:
    by_number: dict[int, list[JournalEvent]] = {}
    for event in events:
        by_number.setdefault(event.sequence, []).append(event)
    before: int | None = None
    for number, same in by_number.items():
        if len(same) > 1:
            times = "twice" if len(same) == 2 else f"{len(same)} times"
            for event in same:
                others = tuple(Related(other.path, other.record_id) for other in same if other is not event)
                yield event.path, _of_event(event, f"sequence {number} appears {times}", None, others)
        if gaps and before is not None and number > before + 1:
            message = f"sequence {number} follows {before}"
            yield same[0].path, _of_event(same[0], message, Severity.WARNING, ())
        before = number


def _of_event(event: JournalEvent, message: str, severity: Severity | None, related: tuple[Related, ...]) -> Finding:
    return Finding(
        "KB092",
        message,
        event.record,
        "attributes.sequence",
        severity=severity,
        record_id=event.record_id,
        related=related,
    )


def check_retention(run: Record, ordinal: int, folder_paths: Sequence[str]) -> list[Finding]:
    """KB096 in ``run.yaml``: the run's folder holds no more than its tier keeps.

    ``run`` is the BabysitterRun record, ``folder_paths`` are all paths below the memory root in its folder.
    """
    tier = run.attributes.get("retentionTier")
    if tier is None:
        return []
    field = "attributes.retentionTier"
    if not isinstance(tier, str) or tier not in _KEEPS:
        shown = tier[:40] if isinstance(tier, str) else "this value"
        hint = "one of " + ", ".join(_KEEPS)
        return [Finding("KB096", f'"{shown}" is no retention tier', ordinal, field, record_id=run.id, hint=hint)]
    parts: dict[str, list[str]] = {}
    for path in sorted(folder_paths):
        _, _, inside = path.removeprefix(RUNS).partition("/")
        part, slash, _ = inside.partition("/")
        if slash and not path.endswith("/.gitkeep"):
            parts.setdefault(part, []).append(path)
    found: list[Finding] = []

    def add(message: str, part: str, field: str) -> None:
        related = (Related(parts[part][0]),)
        found.append(Finding("KB096", message, ordinal, field, record_id=run.id, related=related))

    for part, name in (("journal", "journal files"), ("tasks", "task files")):
        if part in parts and part not in _KEEPS[tier]:
            add(f"{tier} run has {name}", part, field)
    if tier == _CURATED and len(parts.get("journal", ())) > MAX_CURATED_EVENTS:
        add(
            f"{tier} run has {len(parts['journal'])} journal files, {MAX_CURATED_EVENTS} are the most", "journal", field
        )
    if run.attributes.get("artifactRetention") == "none" and "artifacts" in parts:
        add("run that keeps no artifacts has an artifact manifest", "artifacts", "attributes.artifactRetention")
    return found
