"""The files of an import: what was collected, as records of a brain. The same source gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.account import Account, RedactionReport, report_of
from krate_gitops.updates.imports.artifacts import manifest
from krate_gitops.updates.imports.collect import Collected
from krate_gitops.updates.imports.entrypoint import PATH as MEMORY_MD
from krate_gitops.updates.imports.entrypoint import Proposal, propose
from krate_gitops.updates.imports.model import (
    ArtifactRetention,
    GeneratedFile,
    ImportSpec,
    ManifestScope,
)
from krate_gitops.updates.imports.records import (
    Identity,
    event_record,
    run_record,
    task_record,
    time_of,
)
from krate_gitops.updates.imports.run_facts import RUNNING, RunFacts, facts_of
from krate_gitops.updates.imports.scrub import Scrub, is_empty, shorten
from krate_gitops.updates.imports.sections import closed, fitted
from krate_gitops.updates.imports.yaml_lines import document, frontmatter

SESSION_BYTES = 16 * 1024
TOO_BROAD = 0.5
_MOST_SEQUENCE = 999_999
_CURATED_BYTES = 2_048
_NOT_LOCAL = " /\\:#?*\"'<>|"


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What an import needs to know beside its source.

    ``owners`` are those of the code repository's record, else the memory owners. ``baseline`` is the organization's
    ``MEMORY.md`` at the run's snapshot commit, where that is known, ``current`` what it is now. ``outcome`` is how
    the run ended, declared by somebody who knows that nobody will go on with it. ``too_broad`` is the share of a
    file's characters whose removal is too much; a policy may lower it. ``retrospective_status`` is that of the
    run's retrospective in the brain: one that was approved is no draft again.
    """

    import_name: str
    owners: tuple[str, ...]
    baseline: bytes | None = None
    current: bytes | None = None
    outcome: str | None = None
    too_broad: float = TOO_BROAD
    retrospective_status: str | None = None


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """The files by path below the memory root, with the report on what cleaning took out.

    ``base_digest`` is the digest of the ``MEMORY.md`` that the proposal for it starts from. ``too_broad`` are paths of
    which too much is gone, ``blocked`` those in which a passage stood that stops the import.
    """

    files: dict[str, bytes]
    generated: tuple[GeneratedFile, ...]
    report: RedactionReport
    facts: RunFacts
    base_digest: str | None
    too_broad: tuple[str, ...]
    blocked: tuple[str, ...]
    notes: tuple[str, ...]


def normalise(spec: ImportSpec, collected: Collected, scrub: Scrub, around: Surroundings) -> Normalised:
    """All files of an import. Raises ``KrateError`` when there is no owner for them."""
    if not around.owners:
        raise KrateError(
            "INVALID_RESOURCE",
            "nobody is known who could own the run's records",
            hint="add owners to the repository's record, or memory owners to the memory repository",
        )
    return _Writer(spec, collected, scrub, around).normalised()


class _Writer:
    def __init__(self, spec: ImportSpec, collected: Collected, scrub: Scrub, around: Surroundings) -> None:
        self._spec = spec
        self._collected = collected
        self._scrub = scrub
        self._around = around
        self._identity = Identity(
            spec=spec,
            import_name=around.import_name,
            owners=around.owners,
            source_digest=collected.source_digest,
        )
        self._facts = facts_of(collected, scrub, declared=around.outcome)
        self._files: dict[str, bytes] = {}
        self._ids: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}
        self._emptied: list[str] = []
        self._blocked: list[str] = []
        self._notes = list(collected.notes)
        self._base_digest: str | None = None

    def normalised(self) -> Normalised:
        folder = self._spec.target_path
        self._journal(folder)
        self._tasks(folder)
        self._manifest(folder)
        session = self._session()
        has_retrospective = self._retrospective()
        self._memory_md()
        self._run(folder, session, has_retrospective)
        report = report_of(self._accounts)
        return Normalised(
            files=dict(sorted(self._files.items())),
            generated=tuple(self._generated()),
            report=report,
            facts=self._facts,
            base_digest=self._base_digest,
            too_broad=tuple(sorted(set(self._too_broad()))),
            blocked=tuple(sorted(set(self._blocked))),
            notes=tuple(self._notes),
        )

    def _add(self, path: str, content: bytes, account: Account, record_id: str | None) -> None:
        self._files[path] = content
        self._accounts[path] = account
        if record_id is not None:
            self._ids[path] = record_id

    def _journal(self, folder: str) -> None:
        last, highest = None, self._collected.course.highest
        for entry in self._collected.entries:
            sequence = entry.sequence
            if entry.is_repeated or sequence > _MOST_SEQUENCE:
                highest += 1
                sequence = highest
            if sequence > _MOST_SEQUENCE:
                self._notes.append(
                    f"{entry.source_path}: an event's number has more than six digits, so it is not kept"
                )
                continue
            last = entry.time or last
            time = time_of(last, self._facts.started_at)
            record = event_record(self._identity, entry, sequence=sequence, time=time, scrub=self._scrub)
            content = document(record)
            if len(content) > _CURATED_BYTES and entry.payload is None:
                record["attributes"]["summary"] = shorten(entry.summary, 120)
                content = document(record)
            self._add(f"{folder}/journal/{sequence:06}.yaml", content, entry.account, record["id"])

    def _tasks(self, folder: str) -> None:
        for task in self._collected.tasks:
            path = f"{folder}/tasks/{task.name}.yaml"
            if task.status == RUNNING and not self._facts.is_partial:
                task.status = "cancelled"  # nobody will finish it
            record = task_record(self._identity, task, time=time_of(task.time, self._facts.updated_at))
            self._add(path, document(record), task.account, record["id"])
            if task.is_emptied:
                self._emptied.append(path)

    def _manifest(self, folder: str) -> None:
        spec = self._spec
        if spec.include.artifact_manifests is ManifestScope.NONE or spec.artifact_retention is ArtifactRetention.NONE:
            return
        if not self._collected.artifacts and not spec.artifacts_only:
            return
        account = Account()
        value = manifest(
            self._collected.artifacts,
            run_id=spec.source.run_id,
            organization=spec.organization_ref,
            retention=spec.artifact_retention,
            scope=spec.include.artifact_manifests,
            scrub=self._scrub,
            account=account,
        )
        self._add(f"{folder}/artifacts/manifest.yaml", document(value, nulls=True), account, None)

    def _session(self) -> str | None:
        """Writes the session's file; the id of its record."""
        session = self._collected.session
        if session is None:
            if self._spec.include.session_summary and self._spec.source.session_id:
                self._notes.append(f"session {self._spec.source.session_id}: is not among the sources")
            return None
        account = self._collected.session_account
        session_id = _local(session.session_id or self._spec.source.session_id or self._spec.source.run_id, self._scrub)
        ended = time_of(session.ended, self._facts.completed_at, self._facts.updated_at)
        record_id = self._identity.session(session_id)
        year, month, day = ended[:10].split("-")
        path = f"babysitter/sessions/{year}/{month}/{day}/{session_id}.md"
        bodies = dict(session.bodies)
        if not bodies["Goal"] and self._facts.summary:
            bodies["Goal"] = self._facts.summary
        if not bodies["Outcome"]:
            bodies["Outcome"] = f"The run ended as {self._facts.status}."
        self._emptied += [path for name in ("Goal", "Outcome") if bodies[name] and is_empty(bodies[name])]
        matter = {
            "id": record_id,
            "kind": "BabysitterSession",
            "title": session.title or f"Session {session_id}",
            "status": "approved",
            "owners": list(self._around.owners),
            "repoRefs": [self._identity.repository],
            "runRef": self._identity.run,
            "sourceDigest": session.source_digest,
            "sourceRefs": [self._identity.run],
            "updatedAt": ended,
        }
        text = _markdown(matter, "Session summary", bodies, SESSION_BYTES)
        self._add(path, text, account, record_id)
        return record_id

    def _retrospective(self) -> bool:
        review = self._collected.retrospective
        if review is None:
            return False
        path = f"babysitter/retrospectives/{self._spec.source.run_id}.md"
        account = self._collected.retrospective_account
        matter = {
            "id": self._identity.retrospective,
            "kind": "RunRetrospective",
            "title": review.title or f"Retrospective of run {self._spec.source.run_id}",
            "status": "approved" if self._around.retrospective_status == "approved" else "draft",
            "owners": list(self._around.owners),
            "repoRefs": [self._identity.repository],
            "related": {"learned_from": [self._identity.run]},
            "runRef": self._identity.run,
            "sourceRefs": [self._identity.run],
            "updatedAt": self._facts.updated_at,
        }
        text = _markdown(matter, "Retrospective", review.bodies, SESSION_BYTES)
        self._add(path, text, account, self._identity.retrospective)
        if account.is_blocked:
            self._blocked.append(path)
        return True

    def _memory_md(self) -> None:
        workspace = self._collected.memory_md
        if workspace is None:
            return
        account = Account()
        proposal = propose(workspace, self._around.baseline, self._scrub, account, current=self._around.current)
        if account.is_blocked:
            self._blocked.append(MEMORY_MD)
        if isinstance(proposal, Proposal):
            self._add(MEMORY_MD, proposal.text.encode(), account, None)
            self._base_digest = sha256_digest(proposal.base)
        else:
            self._notes.append(proposal)
            if account.is_blocked:
                self._accounts[MEMORY_MD] = account

    def _run(self, folder: str, session: str | None, has_retrospective: bool) -> None:
        path = f"{folder}/run.yaml"
        self._accounts[path] = self._facts.account
        whole = Account()
        for account in self._accounts.values():
            whole.add(account)
        record = run_record(
            self._identity,
            self._facts,
            redaction_status="partial" if self._facts.is_partial and whole.redacted else whole.status,
            redaction_digest=report_of(self._accounts).digest,
            session=session,
            tasks=self._collected.tasks,
            has_retrospective=has_retrospective,
        )
        self._add(path, document(record), self._facts.account, record["id"])
        if self._facts.is_emptied:
            self._emptied.append(path)

    def _too_broad(self) -> Iterator[str]:
        yield from self._emptied
        share = min(self._around.too_broad, TOO_BROAD)
        for path, account in self._accounts.items():
            size = len(self._files.get(path, b""))
            if account.removed > share * account.read and account.removed > share * (account.removed + size):
                yield path

    def _generated(self) -> Iterator[GeneratedFile]:
        for path, content in sorted(self._files.items()):
            yield GeneratedFile(
                path=path,
                file_class=_class_of(path),
                digest=sha256_digest(content),
                bytes=len(content),
                id=self._ids.get(path),
            )


def _class_of(path: str) -> str:
    if path == MEMORY_MD:
        return "entrypoint"
    if path.endswith("/artifacts/manifest.yaml"):
        return "artifact-manifest"
    return "markdown-record" if path.endswith(".md") else "graph"


def _local(name: str, scrub: Scrub) -> str:
    """A session's id as it fits into an id and a path."""
    account = Account()
    shown = scrub.line(name[:200], account, most=100)
    local = "".join("-" if one in _NOT_LOCAL or not one.isascii() else one for one in shown).strip("-._")
    return local.replace("[", "").replace("]", "").replace("..", ".") or "session"


def _markdown(matter: dict[str, Any], title: str, bodies: dict[str, str], most: int) -> bytes:
    head = frontmatter(matter)
    frame = "".join(f"\n## {heading}\n\n" for heading in bodies)
    left = most - len(head.encode()) - len(frame.encode()) - len(title) - 64
    fitting = fitted({heading: closed(_trimmed(body)) for heading, body in bodies.items()}, max(0, left))
    parts = [head, f"# {title}\n"]
    for heading, body in fitting.items():
        parts.append(f"\n## {heading}\n")
        if body:
            parts.append(f"\n{body}\n")
    return "".join(parts).encode()


def _trimmed(body: str) -> str:
    return "\n".join(line.rstrip() for line in body.split("\n")).strip("\n")
