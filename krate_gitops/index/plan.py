"""Which shards make a commit: from its whole tree, or from an older commit's shards and the paths that differ."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from krate_gitops.index.cut import cuts, is_cut
from krate_gitops.index.shard import Entry, Summary, shard_key
from krate_gitops.index.worker import Task

Planned = Summary | Task
"""A shard of the new commit: one that stands already, or one to be made."""


def plan_cold(entries: Sequence[Entry], profile_digest: str) -> list[Planned]:
    """Shards of sorted entries, none assumed to be stored."""
    return [_task(entries[first:end], profile_digest) for first, end in cuts([entry.path for entry in entries])]


def plan_changes(
    base: Sequence[Summary],
    changes: Mapping[str, Entry | None],
    entries_of: Callable[[Summary], list[Entry]],
    profile_digest: str,
) -> list[Planned]:
    """Shards after ``changes`` (path to new entry, or None when gone) to a commit made of ``base``.

    Reads the entries of a shard only where a path changes, or where an earlier change has moved its cut.
    """
    if not base:
        return plan_cold([changes[path] for path in sorted(changes) if changes[path]], profile_digest)  # type: ignore[misc]
    firsts = [summary.first for summary in base]
    touched: dict[int, list[str]] = {}
    for path in changes:
        touched.setdefault(max(0, bisect_right(firsts, path) - 1), []).append(path)
    planned: list[Planned] = []
    pending: list[Entry] = []
    sources: list[Summary] = []
    for number, summary in enumerate(base):
        if number not in touched and not pending:
            planned.append(summary)
            continue
        known = {entry.path: entry for entry in entries_of(summary)}
        for path in touched.get(number, ()):
            entry = changes[path]
            if entry is None:
                known.pop(path, None)
            else:
                known[path] = entry
        pending += (known[path] for path in sorted(known))
        sources.append(summary)
        complete, pending = _complete(pending)
        planned += (_task(run, profile_digest, sources) for run in complete)
        sources = [summary] if pending else []
    if pending:
        planned.append(_task(pending, profile_digest, sources))
    return planned


def _complete(entries: list[Entry]) -> tuple[list[list[Entry]], list[Entry]]:
    """Runs that end in a cut, and the rest, whose cut lies further on."""
    runs = [entries[first:end] for first, end in cuts([entry.path for entry in entries])]
    if runs and not is_cut(runs[-1][-1].path, len(runs[-1]) - 1):
        return runs[:-1], runs[-1]
    return runs, []


def _task(entries: Sequence[Entry], profile_digest: str, sources: Sequence[Summary] = ()) -> Task:
    return Task(shard_key(entries, profile_digest), tuple(entries), tuple(sources))
