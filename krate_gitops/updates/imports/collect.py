"""Reads a source once, file by file in the order of paths, and keeps what an import is made of.

All that is kept of texts is cleaned as it is read, but for ``run.json`` and the workspace's ``MEMORY.md``, which are
small and cleaned before anything of them is used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.updates.imports import retrospective as retrospectives
from krate_gitops.updates.imports import session as sessions
from krate_gitops.updates.imports import tasks as task_files
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.artifacts import Artifact
from krate_gitops.updates.imports.course import Course
from krate_gitops.updates.imports.entries import Entry
from krate_gitops.updates.imports.file_set import FileSetDigest
from krate_gitops.updates.imports.keep import Keeper
from krate_gitops.updates.imports.limits import STANDARD, Limits
from krate_gitops.updates.imports.locate import Places
from krate_gitops.updates.imports.model import ImportSpec, TaskScope
from krate_gitops.updates.imports.notes import Notes
from krate_gitops.updates.imports.request import cross_organization
from krate_gitops.updates.imports.scrub import Scrub
from krate_gitops.updates.imports.stream import decode_one, lines, reason_of, values
from krate_gitops.updates.imports.walk import Found, admitted, chunks, not_found, opened, over, walk

_LINES = (".jsonl", ".ndjson")
_SESSION_NAMES = ("session", "transcript", "session-summary")
_REVIEW_NAMES = ("retrospective", "review", "retro")


class Collected(msgspec.Struct, kw_only=True):
    """All that an import is made of. Texts in ``run`` and ``memory_md`` are as they stand in the source."""

    source_digest: str
    journal_digest: str | None
    files: int
    run: dict[str, Any]
    course: Course
    entries: list[Entry]
    tasks: list[task_files.TaskResult]
    artifacts: list[Artifact]
    session: sessions.SessionSummary | None
    session_account: Account
    retrospective: retrospectives.Retrospective | None
    retrospective_account: Account
    memory_md: str | None
    notes: tuple[str, ...]


def collect(places: Places, spec: ImportSpec, scrub: Scrub, *, limits: Limits = STANDARD) -> Collected:
    """Reads all sources of an import.

    Raises ``DeniedError(CROSS_ORG_REF_DENIED)`` before anything else is read when the run says that it belongs to
    another organization, ``UnavailableError(MEMORY_IMPORT_SOURCE_NOT_FOUND)`` when a named source is missing or the
    folder holds another run, ``KrateError(MEMORY_LIMIT_EXCEEDED)`` when it is too large, and
    ``UnavailableError(MEMORY_REDACTION_FAILED)`` when a text can't be cleaned.
    """
    with ExitStack() as stack:
        return _Collection(places, spec, scrub, limits, stack).collected()


class _Collection:
    def __init__(self, places: Places, spec: ImportSpec, scrub: Scrub, limits: Limits, stack: ExitStack) -> None:
        self._places = places
        self._spec = spec
        self._scrub = scrub
        self._limits = limits
        self._stack = stack
        self._notes = Notes(limits.notes)
        self._keeper = Keeper(spec.include.journal, spec.curated, scrub, limits)
        self._course = Course(self._keeper, limits, self._notes)
        self._left_bytes = limits.total_bytes
        self._left_files = limits.files
        self._journal = FileSetDigest()
        self._run: dict[str, Any] = {}
        self._task_parts: dict[str, dict[str, tuple[Any, str]]] = {}
        self._tasks: list[task_files.TaskResult] = []
        self._task_names = task_files.Names(scrub)
        self._artifacts: list[Artifact] = []
        self._session: sessions.SessionSummary | None = None
        self._session_account = Account()
        self._retrospective: retrospectives.Retrospective | None = None
        self._retrospective_account = Account()
        self._memory: str | None = None

    def collected(self) -> Collected:
        root = self._open_run()
        files = FileSetDigest(self._beside_the_run())
        if root is not None:
            for found in walk(root, self._notes, most=self._limits.files * 2 + 1_000):
                digest = self._read(found)
                if digest is not None:
                    files.add(found.path, digest)
            self._finish_task(None)
        source_digest = files.digest()
        if not files.count:
            raise not_found("the source holds no file that can be read")
        if not self._tasks:
            scope = self._spec.include.task_results
            self._tasks = task_files.from_course(self._course, scope, self._scrub, self._task_names)
        if self._course.repeated:
            self._notes.add("journal", f"{self._course.repeated} events have a number that was there before")
        if self._course.untimed:
            self._notes.add("journal", f"{self._course.untimed} events have no time; that of the event before is used")
        return Collected(
            source_digest=source_digest,
            journal_digest=self._journal.digest() if self._journal.count else None,
            files=files.count,
            run=self._run,
            course=self._course,
            entries=self._keeper.entries(),
            tasks=self._tasks,
            artifacts=self._artifacts,
            session=self._session,
            session_account=self._session_account,
            retrospective=self._retrospective,
            retrospective_account=self._retrospective_account,
            memory_md=self._memory,
            notes=self._notes.lines,
        )

    # Opening

    def _open_run(self) -> int | None:
        """The run's folder, when the run in it is the one that is meant and belongs to this organization."""
        run, workspace = self._places.run, self._places.workspace
        if run is None:
            return None
        root = self._stack.enter_context(admitted(run, below=workspace))
        quiet = Notes(0)
        with opened(Found("run.json", root, "run.json"), quiet) as file:
            if file is not None:
                data = b"".join(chunks(file[0], self._limits.file_bytes, "run.json", len))
                self._read_run(data)
        return root

    def _read_run(self, data: bytes) -> None:
        try:
            value = decode_one(data)
        except (ValueError, RecursionError) as error:
            self._notes.add("run.json", f"can't be read: {reason_of(error)}")
            return
        if not isinstance(value, dict):
            self._notes.add("run.json", "is no object")
            return
        self._check_organization(value.get("organizationRef", value.get("organization", value.get("org"))))
        run_id = value.get("runId")
        if isinstance(run_id, str) and run_id != self._spec.source.run_id:
            raise not_found("the folder holds another run")
        self._run = value

    def _check_organization(self, claimed: Any) -> None:
        if isinstance(claimed, dict):
            claimed = claimed.get("name", claimed.get("slug"))
        if isinstance(claimed, str) and claimed.removeprefix("org:") != self._spec.organization_ref:
            raise cross_organization()

    def _beside_the_run(self) -> list[tuple[str, str]]:
        """Reads what lies outside the run's folder; paths and digests of it."""
        read: list[tuple[str, str]] = []
        for path, place in (
            (self._places.memory_md, "MEMORY.md"),
            (self._places.session, None),
            (self._places.retrospective, None),
        ):
            if path is not None:
                label = f"@workspace/{place}" if place else f"@given/{path.name}"
                digest = self._read_beside(path, label)
                if digest is not None:
                    read.append((label, digest))
        if self._places.artifacts is not None:
            root = self._stack.enter_context(admitted(self._places.artifacts, below=self._places.workspace))
            for found in walk(root, self._notes, most=self._limits.files + 1_000):
                labelled = found._replace(path=f"@artifacts/{found.path}")
                digest = self._artifact(labelled, found.path, self._artifacts_place())
                if digest is not None:
                    read.append((labelled.path, digest))
        return read

    def _read_beside(self, path: Path, label: str) -> str | None:
        folder = self._stack.enter_context(admitted(path.parent))
        found = Found(label, folder, path.name)
        if path is self._places.session:
            return self._session_file(found)
        if path is self._places.retrospective:
            return self._review(found)
        return self._memory_md(found)

    # Reading, by what a file is

    def _read(self, found: Found) -> str | None:
        path = found.path
        if path.startswith("journal/") or path in ("journal.json", "journal.jsonl", "journal.ndjson"):
            return self._journal_file(found)
        top, slash, inside = path.partition("/")
        if top == "tasks" and slash:
            folder, _, name = inside.partition("/")
            if name in task_files.PARTS:
                return self._task_file(found, folder, name)
        elif top == "artifacts" and slash:
            return self._artifact(found, inside, f"{self._spec.source.run_path}/artifacts")
        elif path == "MEMORY.md" or path == "workspace/MEMORY.md":
            return self._memory_md(found)
        elif top == "sessions" or (not slash and _stem(path) in _SESSION_NAMES):
            return self._session_file(found)
        elif (not slash or top in ("reviews", "retrospectives")) and _stem(path) in _REVIEW_NAMES:
            return self._review(found)
        return self._hashed(found)

    def _small(self, found: Found) -> tuple[bytes, str] | None:
        """Content and digest of a file that is read whole."""
        with opened(found, self._notes) as file:
            if file is None:
                return None
            descriptor, size = file
            self._count(size, found.path, self._limits.file_bytes)
            data = os.read(descriptor, size + 1) if size else b""
            if len(data) != size:  # it changes while it is read, or the system gives less at a time
                data += b"".join(chunks(descriptor, self._limits.file_bytes, found.path, len))
            return data, sha256_digest(data)

    def _count(self, size: int, path: str, most: int) -> None:
        self._left_files -= 1
        self._left_bytes -= size
        if self._left_files < 0:
            raise over(f"the source has more than {self._limits.files:,} files")
        if size > most:
            raise over(f"{path} is larger than {most:,} bytes")
        if self._left_bytes < 0:
            raise over(f"the source is larger than {self._limits.total_bytes:,} bytes")

    def _hashed(self, found: Found) -> str | None:
        """Digest of a file that nothing is made of; None, and a note, when it is too large to be collected."""
        with opened(found, self._notes) as file:
            if file is None:
                return None
            descriptor, size = file
            if size > self._limits.file_bytes:
                self._notes.add(
                    found.path, f"is larger than {self._limits.file_bytes:,} bytes, so it was not collected"
                )
                return None
            self._count(size, found.path, self._limits.file_bytes)
            made = hashlib.sha256()
            for _ in chunks(descriptor, self._limits.file_bytes, found.path, made.update):
                pass
            return "sha256:" + made.hexdigest()

    def _artifacts_place(self) -> str:
        """Where the workspace's artifacts lie in it."""
        artifacts, workspace = self._places.artifacts, self._places.workspace
        if artifacts is None or workspace is None:
            return "artifacts"
        return artifacts.relative_to(workspace).as_posix()

    def _artifact(self, found: Found, name: str, place: str) -> str | None:
        digest = self._hashed(found)
        if digest is not None:
            if len(self._artifacts) < self._limits.artifacts:
                size = os.stat(found.name, dir_fd=found.folder, follow_symlinks=False).st_size
                self._artifacts.append(Artifact(name, size, digest, f"{place}/{name}"))
            else:
                self._notes.add(found.path, "is one artifact more than a manifest lists")
        return digest

    def _text(self, data: bytes, path: str) -> str:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._notes.add(path, "bytes that are no UTF-8 were replaced")
            return data.decode("utf-8-sig", errors="replace")

    def _memory_md(self, found: Found) -> str | None:
        content = self._small(found)
        if content is None:
            return None
        if self._spec.include.memory_md and self._memory is None:
            self._memory = self._text(content[0], found.path)
        return content[1]

    def _review(self, found: Found) -> str | None:
        content = self._small(found)
        if content is None:
            return None
        data, digest = content
        if not self._spec.include.retrospectives or self._retrospective is not None:
            return digest
        account = self._retrospective_account
        if found.name.endswith(".json"):
            try:
                value = decode_one(data)
            except (ValueError, RecursionError) as error:
                self._notes.add(found.path, f"can't be read: {reason_of(error)}")
                return digest
            self._retrospective = retrospectives.from_json(value, self._scrub, account, source_digest=digest)
        else:
            text = self._text(data, found.path)
            self._retrospective = retrospectives.from_markdown(text, self._scrub, account, source_digest=digest)
        return digest

    def _session_file(self, found: Found) -> str | None:
        if found.name.endswith(".json") or found.name.endswith(_LINES):
            return self._transcript(found)
        content = self._small(found)
        if content is None:
            return None
        data, digest = content
        if self._wants_session(found.name):
            made = sessions.from_markdown(
                self._text(data, found.path), self._scrub, self._session_account, source_digest=digest
            )
            made.session_id = made.session_id or self._id_of_file(found.name)
            self._session = made
        return digest

    def _transcript(self, found: Found) -> str | None:
        told = sessions.Transcript()
        with opened(found, self._notes) as file:
            if file is None:
                return None
            descriptor, size = file
            self._count(size, found.path, self._limits.journal_bytes)
            made = hashlib.sha256()
            for value in self._values(descriptor, found.path, self._limits.journal_bytes, made):
                told.add(value.value)
            digest = "sha256:" + made.hexdigest()
        self._check_organization(told.organization)
        if self._wants_session(found.name, told.session_id) and (told.messages or told.summary):
            session = sessions.from_transcript(told, self._scrub, self._session_account, source_digest=digest)
            session.session_id = session.session_id or self._id_of_file(found.name)
            self._session = session
        return digest

    def _wants_session(self, name: str, session_id: str | None = None) -> bool:
        """Whether a session is wanted and this is it: the first, or the one that was asked for."""
        if not self._spec.include.session_summary or self._session is not None:
            return False
        asked = self._spec.source.session_id
        known = session_id or self._id_of_file(name)
        return asked is None or known is None or asked == known

    def _id_of_file(self, name: str) -> str | None:
        stem = name.rpartition(".")[0]
        return None if stem.lower() in _SESSION_NAMES else stem

    def _values(self, descriptor: int, path: str, most: int, made: Any) -> Iterator[Any]:
        def broken(number: int, why: str) -> None:
            self._notes.add(f"{path}, value {number}", why)

        read = lines if path.endswith(_LINES) else values
        return read(chunks(descriptor, most, path, made.update), most=self._limits.event_bytes, broken=broken)

    def _journal_file(self, found: Found) -> str | None:
        with opened(found, self._notes) as file:
            if file is None:
                return None
            descriptor, size = file
            self._count(size, found.path, self._limits.journal_bytes)
            if found.name.endswith(".json") and "/" in found.path and size <= self._limits.event_bytes:
                digest = self._event_file(found, descriptor, size)
            elif found.name.endswith((".json", *_LINES)):
                made = hashlib.sha256()
                observe, course_path = self._course.observe, found.path
                for value in self._values(descriptor, found.path, self._limits.journal_bytes, made):
                    observe(value.value, course_path, position=value.number, value=value)
                digest = "sha256:" + made.hexdigest()
            else:
                made = hashlib.sha256()
                for _ in chunks(descriptor, self._limits.journal_bytes, found.path, made.update):
                    pass
                return "sha256:" + made.hexdigest()
        self._journal.add(found.path, digest)
        return digest

    def _event_file(self, found: Found, descriptor: int, size: int) -> str:
        data = os.read(descriptor, size + 1) if size else b""
        if len(data) != size:
            data += b"".join(chunks(descriptor, self._limits.event_bytes, found.path, len))
        digest = sha256_digest(data)
        try:
            event = decode_one(data)
        except (ValueError, RecursionError) as error:
            self._notes.add(found.path, reason_of(error))
            return digest
        observe, position = self._course.observe, self._course.count + 1
        if isinstance(event, list):
            for at, one in enumerate(event):
                observe(one, found.path, position=position + at, digest=digest)
        else:
            observe(event, found.path, position=position, file_name=found.name, digest=digest)
        return digest

    def _task_file(self, found: Found, folder: str, name: str) -> str | None:
        self._finish_task(folder)
        content = self._small(found)
        if content is None:
            return None
        data, digest = content
        value: Any = None
        if self._spec.include.task_results is not TaskScope.NONE:
            try:
                value = decode_one(data)
            except (ValueError, RecursionError) as error:
                self._notes.add(found.path, f"can't be read: {reason_of(error)}")
        self._task_parts.setdefault(folder, {})[name] = (value, digest)
        return digest

    def _finish_task(self, next_folder: str | None) -> None:
        """Makes a task of the files of a folder once they are all read: no more than one task's values are held."""
        scope = self._spec.include.task_results
        for folder in [one for one in self._task_parts if one != next_folder]:
            parts = self._task_parts.pop(folder)
            if scope is TaskScope.NONE:
                continue
            if len(self._tasks) >= self._limits.tasks:
                self._notes.add(f"tasks/{folder}", f"is one task more than the {self._limits.tasks:,} that are kept")
                continue
            self._tasks.append(task_files.from_folder(folder, parts, scope, self._scrub, self._task_names))


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0].lower()
