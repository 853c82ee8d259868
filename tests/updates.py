"""A board for tests of memory updates: a small brain, its records, its forge, and people who propose and review."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from krate_gitops.git.local import Repository
from krate_gitops.memory.brain import Brain
from krate_gitops.records.audit_record import AuditRecord
from krate_gitops.records.audit_rows import record_of
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.tables import audit_records
from krate_gitops.settings import Settings
from krate_gitops.updates.desk import EVERYTHING, Caller, Desk, desk_at
from krate_gitops.updates.forges.local import LocalForge
from krate_gitops.updates.land import merge
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.look import look, look_at_all
from krate_gitops.updates.model import Action, Phase, Proposer, Verdict
from krate_gitops.updates.propose import propose, revise
from krate_gitops.updates.repository_policy import LOCAL, RepositoryPolicy
from krate_gitops.updates.request import Proposal, ProposedChange
from krate_gitops.updates.review import Opinion, decide
from tests.repos import Content, RepoBuilder, git
from tests.unit.memory.world import ONTOLOGY, markdown, record

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SEEDED = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
UPDATED = "2026-05-10T09:00:00Z"
LATER = "2026-05-30T09:00:00Z"
RUN = "adr-5b1f0c9d27ae"
AGENT = "ci-agent"
OWNER, MEMBER, STRANGER = "dana", "ravi", "zoe"
"""``dana`` leads and ``ravi`` belongs to the team that owns the records; ``zoe`` belongs to nothing."""

BODY = "# Replay {name}\n\nFirst line of {name}.\n\nSecond line of {name}.\n\nThird line of {name}.\n"


def runbook(name: str, *, body: str | None = None, **fields: Any) -> str:
    """A runbook that the team owns."""
    told = {"owners": ["team:core"], "title": f"Replay {name}", "updatedAt": UPDATED, "summary": "Kept."} | fields
    return markdown("Runbook", f"runbook:{name}", BODY.format(name=name) if body is None else body, **told)


FILES: dict[str, Content] = {
    **ONTOLOGY,
    "graph/team.yaml": record(
        "Team", "team:core", owners=["user:dana"], title="Core", updatedAt=UPDATED,
        lead="user:dana", members=["user:dana", "user:ravi"],
    ),
    "graph/service.yaml": record(
        "Service", "service:ledger", owners=["team:core"], title="Ledger", updatedAt=UPDATED,
        edges={"depends_on": ["runbook:a"]},
    ),
    **{f"runbooks/{name}.md": runbook(name) for name in "abcd"},
    "runbooks/draft.md": runbook("draft", status="draft"),
    "runbooks/old.md": runbook("old", status="deprecated"),
    "runbooks/secret.md": runbook("secret", sensitivity="restricted"),
    "notes/n.md": "# A note\n\nSomething was seen.\n",
    "babysitter/MEMORY.md": "# Shared memory\n\n- Money is an integer.\n",
}  # fmt: skip


def changed(text: Content, old: str = "Second line", new: str = "Another second line", *, at: str = LATER) -> bytes:
    """A record with other words and a later date."""
    assert isinstance(text, str)
    assert old in text
    return text.replace(old, new).replace(UPDATED.replace("Z", ""), at.replace("Z", "")).encode()


def edit(name: str = "a", old: str = "Second line", new: str = "Another second line", **how: Any) -> ProposedChange:
    """An update of a runbook."""
    return update(f"runbooks/{name}.md", changed(FILES[f"runbooks/{name}.md"], old, new), **how)


def update(path: str, content: str | bytes, action: Action = Action.UPDATE, **how: Any) -> ProposedChange:
    """A change with a reason."""
    data = content.encode() if isinstance(content, str) else content
    return ProposedChange(path=path, action=action, content=data, **({"reason": "Correct the order"} | how))


def create(path: str, content: str | bytes, **how: Any) -> ProposedChange:
    """A new file."""
    return update(path, content, Action.CREATE, **how)


def delete(path: str, **how: Any) -> ProposedChange:
    """A file less."""
    return ProposedChange(path=path, action=Action.DELETE, **({"reason": "No longer needed"} | how))


def rename(path: str, new_path: str, **how: Any) -> ProposedChange:
    """A file at another place."""
    return ProposedChange(path=path, action=Action.RENAME, new_path=new_path, **({"reason": "A better place"} | how))


def by_agent(*changes: ProposedChange, name: str = AGENT, run: str | None = RUN, **how: Any) -> Proposal:
    """A proposal of an agent."""
    told = {"rationale": "It was wrong."} | how
    return Proposal(changes=changes, proposer=Proposer("Agent", name), source_run=run, **told)


def by_user(*changes: ProposedChange, name: str = STRANGER, **how: Any) -> Proposal:
    """A proposal of a person."""
    return Proposal(changes=changes, proposer=Proposer("User", name), **how)


class Board:
    """One brain and everybody who works on it. ``clock`` is the time of the next operation."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        files: Mapping[str, Content] = FILES,
        *,
        root: str = "",
        spec: str = "",
        policy: RepositoryPolicy = LOCAL,
        **brain: Any,
    ) -> None:
        self.settings = msgspec.structs.replace(settings, jobs=1)
        self.root = root
        prefix = f"{root}/" if root else ""
        self.repo = RepoBuilder(folder / "brain.git")
        # One that was made before goes on where it stands.
        self.seed = self.repo.tip() or self.repo.commit(
            {prefix + path: text for path, text in files.items()}, at=SEEDED, message="seed"
        )
        self.spec = spec or str(self.repo.path)
        self.policy = policy
        self.clock = NOW
        self._brain = brain

    @property
    def database(self) -> Database:
        return open_database(self.settings)

    @property
    def forge(self) -> LocalForge:
        return LocalForge(
            self.database,
            organization=self.settings.organization,
            memory_repository=self.policy.name or "brain",
            spec=self.spec,
            settings=self.settings,
            now=lambda: self.clock.timestamp(),
        )

    def desk(self, who: str, kind: str = "User", *, permissions: frozenset[str] = EVERYTHING, **how: Any) -> Desk:
        """A desk for one operation of somebody."""
        address = f"{who}@acme.example" if kind == "User" else ""
        caller = Caller(kind=kind, name=who, address=address, permissions=permissions)
        brain = Brain(self.spec, settings=self.settings, **self._brain)
        told = {"forge": self.forge, "policy": self.policy, "now": self.clock} | how
        return desk_at(brain, self.database, told["forge"], told["policy"], caller, now=told["now"])

    # What people do

    def propose(self, *changes: ProposedChange, **how: Any) -> Held:
        """An agent proposes."""
        return self.submit(by_agent(*changes, **how))

    def submit(self, proposal: Proposal, **how: Any) -> Held:
        """Its proposer proposes it."""
        labels, limits = how.pop("labels", None), how.pop("limits", None)
        who = proposal.proposer
        return propose(self.desk(who.name, who.kind, **how), proposal, labels=labels, limits=limits)[0]

    def revise(self, held: Held, *changes: ProposedChange, **how: Any) -> Held:
        """Its proposer revises it."""
        who = held.update.spec.proposer
        return revise(self.desk(who.name, who.kind), held.name, changes, **how)

    def say(self, held: Held | str, verdict: Verdict = Verdict.APPROVE, who: str = OWNER, **how: Any) -> Held:
        """Somebody reviews."""
        name = held if isinstance(held, str) else held.name
        told = {"comment": "" if verdict is Verdict.APPROVE else "It is wrong."}
        asked = {key: how.pop(key) for key in tuple(how) if key in Opinion.__struct_fields__}
        return decide(self.desk(who, **how), name, Opinion(verdict=verdict, **(told | asked)))

    def merge(self, held: Held | str, who: str = STRANGER, **how: Any) -> Held:
        """Somebody merges."""
        name = held if isinstance(held, str) else held.name
        expected = {key: how.pop(key) for key in tuple(how) if key.startswith("expected_")}
        return merge(self.desk(who, **how), name, **expected)

    def look(self, held: Held | str, **how: Any) -> Held:
        """The controller looks."""
        name = held if isinstance(held, str) else held.name
        return look(self.desk("krate", "Controller", **how), name)

    def look_at_all(self, **how: Any) -> list[Held]:
        """The controller looks at everything."""
        return look_at_all(self.desk("krate", "Controller", **how))

    def approved(self, *changes: ProposedChange, **how: Any) -> Held:
        """An update of an agent that an owner approved."""
        held = self.say(self.propose(*(changes or (edit(),)), **how))
        assert held.update.phase is Phase.APPROVED, held.update.status
        return held

    def later(self, **how: float) -> None:
        """Time passes."""
        self.clock += timedelta(**how)

    # What is there

    def find(self, held: Held | str) -> Held:
        name = held if isinstance(held, str) else held.name
        return Ledger(self.desk(OWNER)).find(name)

    def all(self) -> list[Held]:
        return Ledger(self.desk(OWNER)).listed(limit=1000)

    def outside(self, files: Mapping[str, Content], *, branch: str = "main", **how: Any) -> str:
        """Somebody commits to a branch without us."""
        prefix = f"{self.root}/" if self.root else ""
        at = how.pop("at", self.clock - timedelta(hours=1))
        return self.repo.commit({prefix + path: text for path, text in files.items()}, branch=branch, at=at, **how)

    def tip(self, branch: str = "main") -> str | None:
        return self.repo.tip(branch)

    def text(self, path: str, commit: str = "main") -> str:
        return self.data(path, commit).decode()

    def data(self, path: str, commit: str = "main") -> bytes:
        place = f"{self.root}/{path}" if self.root else path
        return git(self.repo.git_dir, "show", f"{commit}:{place}")

    def paths(self, commit: str = "main") -> set[str]:
        return set(git(self.repo.git_dir, "ls-tree", "-r", "--name-only", commit).decode().splitlines())

    def chain(self, branch: str = "main") -> list[str]:
        """Commits of the first-parent chain, newest first."""
        return git(self.repo.git_dir, "rev-list", "--first-parent", branch).decode().split()

    def message(self, commit: str) -> str:
        return git(self.repo.git_dir, "log", "-1", "--format=%B", commit).decode()

    def trailers(self, commit: str) -> list[tuple[str, str]]:
        """As git itself reads them."""
        told = git(self.repo.git_dir, "interpret-trailers", "--parse", stdin=self.message(commit).encode()).decode()
        return [(name, value) for line in told.splitlines() for name, _, value in [line.partition(": ")]]

    def branches(self) -> list[str]:
        """Branches of ours."""
        listed = git(self.repo.git_dir, "for-each-ref", "--format=%(refname:short)", "refs/heads/krate/").decode()
        return listed.split()

    def delete_branch(self, name: str) -> None:
        git(self.repo.git_dir, "update-ref", "-d", f"refs/heads/{name}")

    def audit(self, *types: str) -> list[AuditRecord]:
        """The audit log, oldest first."""
        with self.database.reading() as connection:
            columns = (audit_records.c.body, audit_records.c.hash)
            rows = connection.execute(select(*columns).order_by(audit_records.c.sequence)).all()
        found = [record_of(body, digest) for body, digest in rows]
        return [one for one in found if not types or one.type in types]

    def repository(self) -> Repository:
        return Brain(self.spec, settings=self.settings).repository


def conditions(held: Held) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    return {one.type: (one.status, one.reason) for one in held.update.status.conditions}


def false(held: Held) -> dict[str, str]:
    """Reasons of the conditions that don't hold, but for those of the review."""
    ends = {"Approved", "Merged", "Ready", "ReviewReady"}
    return {
        name: reason for name, (status, reason) in conditions(held).items() if status == "False" and name not in ends
    }
