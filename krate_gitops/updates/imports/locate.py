"""From one path that somebody names to the places of a run: its folder, its artifacts, its workspace."""

from __future__ import annotations

from pathlib import Path

import msgspec

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.updates.imports.limits import STANDARD
from krate_gitops.updates.imports.notes import Notes
from krate_gitops.updates.imports.stream import decode_one
from krate_gitops.updates.imports.walk import Found, admitted, chunks, not_found, opened

_RUN_FILES = ("run.json", "journal", "journal.json", "journal.jsonl", "journal.ndjson")
_MOST_RUNS = 10_000


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sources of one import are. All but what was named may be absent.

    ``run`` lies in ``workspace`` where there is one; ``session``, ``memory_md`` and ``retrospective`` are files.
    """

    run: Path | None = None
    workspace: Path | None = None
    artifacts: Path | None = None
    session: Path | None = None
    memory_md: Path | None = None
    retrospective: Path | None = None

    @property
    def roots(self) -> tuple[str, ...]:
        """Absolute folders whose names must not be told, longest first."""
        known = {str(one.absolute()) for one in (self.run, self.workspace, self.artifacts) if one is not None}
        return tuple(sorted(known, key=len, reverse=True))


def locate(path: Path, run_id: str | None = None) -> Places:
    """The places around a path: a run's folder, ``.a5c``, a workspace that holds it, or a session's file.

    Raises ``UnavailableError(MEMORY_IMPORT_SOURCE_NOT_FOUND)`` when there is nothing to import, and
    ``UsageError(INVALID_REQUEST)`` when there are several runs and none is named.
    """
    path = path.absolute()
    if path.is_file():
        return Places(session=path)
    if not path.is_dir():
        raise not_found("there is neither a run's folder nor a file")
    runs = next((one for one in (path / ".a5c" / "runs", path / "runs") if one.is_dir() and not one.is_symlink()), None)
    if runs is not None and not _is_run(path):
        return _of_run(_chosen(runs, run_id))
    if path.name == "runs" and not _is_run(path):
        return _of_run(_chosen(path, run_id))
    if not _is_run(path):
        raise not_found("the folder holds neither a run nor .a5c/runs")
    return _of_run(path)


def run_id_of(places: Places) -> str | None:
    """The id that a run's folder goes by."""
    return places.run.name if places.run is not None else None


def _is_run(path: Path) -> bool:
    return any((path / name).exists() for name in _RUN_FILES)


def _chosen(runs: Path, run_id: str | None) -> Path:
    if run_id is not None:
        return runs / run_id
    found = sorted(one.name for one in list(runs.iterdir())[:_MOST_RUNS] if one.is_dir() and not one.is_symlink())
    if not found:
        raise not_found("the workspace holds no run")
    if len(found) > 1:
        raise UsageError("INVALID_REQUEST", f"the workspace holds {len(found)} runs", hint="name one by its id")
    return runs / found[0]


def _of_run(run: Path) -> Places:
    is_in_workspace = run.parent.name == "runs" and run.parent.parent.name == ".a5c"
    if not is_in_workspace:
        return Places(run=run)
    workspace = run.parents[2]
    artifacts = run.parents[1] / "artifacts"
    own = artifacts / run.name
    memory = workspace / "MEMORY.md"
    return Places(
        run=run,
        workspace=workspace,
        artifacts=next((one for one in (own, artifacts) if one.is_dir() and not one.is_symlink()), None),
        memory_md=memory if memory.is_file() and not memory.is_symlink() else None,
    )


def claims_of(places: Places) -> dict[str, str]:
    """What ``run.json`` says of the run's id and repository; nothing where it can't be read. Nothing is believed here:
    the collection reads the file again and checks it.
    """
    if places.run is None:
        return {}
    try:
        found = Found("run.json", 0, "run.json")
        with (
            admitted(places.run, below=places.workspace) as root,
            opened(found._replace(folder=root), Notes(0)) as file,
        ):
            if file is None or file[1] > STANDARD.file_bytes:
                return {}
            value = decode_one(b"".join(chunks(file[0], STANDARD.file_bytes, "run.json", len)))
    except (KrateError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    repository = next((value[name] for name in ("repositoryRef", "repository", "repo") if value.get(name)), None)
    if isinstance(repository, dict):
        repository = repository.get("name")
    claims = {"runId": value.get("runId"), "repository": repository}
    return {name: text.removeprefix("repository:") for name, text in claims.items() if isinstance(text, str) and text}
