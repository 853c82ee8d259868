"""A proposal as it is kept: its contents scanned, its versions named, its branch chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import select

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import DeniedError, UnavailableError
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.organization import namespace_of
from krate_gitops.printable import printable
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.tables import snapshots
from krate_gitops.records.update_events import update_proposed
from krate_gitops.updates.carry import reader_of
from krate_gitops.updates.desk import ONTOLOGY, Desk
from krate_gitops.updates.end import is_part_of
from krate_gitops.updates.examine import Examined, examine, without_secrets
from krate_gitops.updates.ledger import ARTIFACT, OPEN, Held, Ledger
from krate_gitops.updates.model import (
    Action,
    AgentMemoryUpdate,
    ChangeItem,
    Metadata,
    Phase,
    UpdateKind,
    UpdateSpec,
    UpdateStatus,
    ValidationPolicy,
)
from krate_gitops.updates.names import branch_of, diff_digest, idempotency_key, update_name
from krate_gitops.updates.request import Proposal, ProposedChange

_LABEL = "krate.a5c.ai/"
_MOST_LABEL = 500


class Draft:
    """A proposal as it is kept: contents scanned, versions named, texts without secrets."""

    def __init__(self, desk: Desk, proposal: Proposal, labels: Mapping[str, str]) -> None:
        self._desk = desk
        self._proposal = proposal
        self._labels = labels
        self._target = proposal.target_branch or desk.target_branch()
        tip = desk.tip(self._target)
        if tip is None:
            raise UnavailableError("MEMORY_REF_NOT_FOUND", "the target branch has no commit", location=self._target)
        self._tip = tip
        self._scan = desk.secret_scan()
        self._base = proposal.base_commit or tip
        self._observed = proposal.observed_commit or _pinned(desk, proposal.source_run) or self._base
        for commit in (self._base, self._observed):
            if not holds(desk.brain.repository, commit):
                raise UnavailableError("MEMORY_REF_NOT_FOUND", "a commit isn't in the repository", location=commit)
        if not is_part_of(desk, self._base, tip):
            raise DeniedError(
                "MEMORY_REF_NOT_APPROVED",
                f"the base is no commit of {self._target}",
                hint="start from what was approved",
                location=self._base,
            )
        self._items, self._contents, self._examined = proposed_items(desk, proposal.changes, self._observed)
        self._digest = diff_digest(self._items)
        self._key = idempotency_key(
            desk.organization,
            desk.repository_name,
            proposal.source_run,
            proposal.proposer,
            self._digest,
            self._target,
        )
        self.replaced: list[Held] = []

    def begin(self) -> tuple[Held, bool]:
        """The update on record: the one that is there, or a new one."""
        ledger = Ledger(self._desk)
        return ledger.begin(
            self._key,
            self._proposal.source_run,
            self._make,
            self._contents,
            lambda update: [update_proposed(ledger.use(update), stage=Stage.PREFLIGHT, result="pending")],
        )

    def preview(self) -> tuple[AgentMemoryUpdate, dict[str, bytes]]:
        """The update as it would be kept if nothing like it were there, and its contents by digest."""
        return self._new((), ()), self._contents

    def _make(self, alike: Sequence[Held], of_run: Sequence[Held]) -> AgentMemoryUpdate | Held:
        known = next((one for one in alike if one.update.phase.value in OPEN or self._is_done(one)), None)
        if known is not None:
            return known
        touched = {path for item in self._items for path in (item.path, item.target)}
        self.replaced = [one for one in of_run if one.update.phase.value in OPEN and touched & paths_of(one.update)]
        return self._new(alike, of_run)

    def _is_done(self, held: Held) -> bool:
        """Whether an update did what was asked for, so that asking again is no new request.

        Where the target stands as it did before, somebody took it back: then it may be asked for again.
        """
        if held.update.phase is not Phase.MERGED:
            return False
        desk = self._desk
        root = desk.brain.read(self._tip, lambda opened: opened.manifest.root)
        with ObjectReader(desk.brain.repository) as reader:
            read = reader_of(reader, root)
            now = [read(self._tip, item.path) for item in self._items]
        before = [item.base_digest for item in self._items]
        return [None if data is None else sha256_digest(data) for data in now] != before

    def _new(self, alike: Sequence[Held], of_run: Sequence[Held]) -> AgentMemoryUpdate:
        proposal, desk = self._proposal, self._desk
        scan = self._scan
        name = update_name(self._key, len(alike))
        branch = self._free_branch(name, 1 if proposal.update_kind is UpdateKind.REVERT else len(of_run) + 1)
        spec = UpdateSpec(
            organization_ref=desk.organization,
            memory_repository=desk.repository_name,
            proposer=proposal.proposer,
            changes=self._items,
            source_run=proposal.source_run,
            update_kind=proposal.update_kind,
            target_branch=self._target,
            base_commit=self._base,
            observed_commit=self._observed,
            branch_name=branch,
            rationale=without_secrets(proposal.rationale, scan),
            evidence=tuple(
                msgspec.structs.replace(one, ref=without_secrets(one.ref, scan), kind=without_secrets(one.kind, scan))
                for one in proposal.evidence
            ),
            validation_policy=_policy(proposal),
            extra_approvals=proposal.extra_approvals,
        )
        status = UpdateStatus(
            diff_digest=self._digest,
            withheld=self._examined.secrets,
            updated_at=desk.instant,
            changed_at=desk.instant,
            may_change_ontology=ONTOLOGY in desk.caller.permissions,
        )
        return AgentMemoryUpdate(metadata=self._metadata(name), spec=spec, status=status)

    def _free_branch(self, name: str, ordinal: int) -> str:
        """The branch of a new update: the first of its row that nobody has. Two runs may well be called alike."""
        proposal, desk = self._proposal, self._desk
        # Whoever is told to begin holds the lock of the records, so nobody takes one of these meanwhile.
        taken = {one.update.spec.branch_name for one in Ledger(desk).listed(phases=OPEN, limit=1000)}
        while True:
            branch = branch_of(
                proposal.update_kind, proposal.proposer, source_run=proposal.source_run, name=name, ordinal=ordinal
            )
            if branch not in taken and desk.tip(branch) is None:
                return branch
            taken.add(branch)
            ordinal += 1

    def _metadata(self, name: str) -> Metadata:
        desk, proposal = self._desk, self._proposal
        labels = {f"{_LABEL}org": desk.organization}
        labels |= {f"{_LABEL}{key}": self._label(text) for key, text in self._labels.items()}
        if proposal.source_run:
            labels[f"{_LABEL}dispatch-run"] = proposal.source_run
        if proposal.initiator:
            labels[f"{_LABEL}initiator"] = proposal.initiator
        if proposal.proposer.kind == "User":
            labels[f"{_LABEL}author"] = desk.caller.signature
        return Metadata(
            name=name,
            namespace=namespace_of(desk.organization),
            labels=labels,
            creation_timestamp=desk.instant,
        )

    def _label(self, text: str) -> str:
        return printable(without_secrets(text, self._scan))[:_MOST_LABEL]


def paths_of(update: AgentMemoryUpdate) -> set[str]:
    """All paths below the memory root that an update names."""
    return {path for item in update.spec.changes for path in (item.path, item.target)}


def _policy(proposal: Proposal) -> ValidationPolicy:
    policy = proposal.validation_policy
    if proposal.proposer.kind != "Agent":
        return policy
    # An agent's wish to go around a gate is no request that is refused: it is passed over.
    return ValidationPolicy()


def proposed_items(
    desk: Desk, changes: Sequence[ProposedChange], observed: str
) -> tuple[tuple[ChangeItem, ...], dict[str, bytes], Examined]:
    """Change items with their digests, what may be kept of the contents by its digest, and what the scans found."""
    rules = desk.brain.read(observed, lambda opened: (opened.manifest.root, opened.source.ontology.rules))
    root, settings = rules
    proposed = {change.new_path or change.path: change.content for change in changes}
    examined = examine(proposed, secret=settings.secret_scan, injection=settings.prompt_injection)
    contents: dict[str, bytes] = {}
    items: list[ChangeItem] = []
    with ObjectReader(desk.brain.repository) as reader:
        read = reader_of(reader, root)
        for change in changes:
            digest = ref = None
            if change.content is not None:
                clean = examined.clean[change.new_path or change.path] or b""
                # Of a content with a secret not even the digest is kept: a short one could be guessed from it.
                digest = sha256_digest(clean)
                contents[digest] = clean
                ref = f"{ARTIFACT}{digest}"
            items.append(
                ChangeItem(
                    path=change.path,
                    action=change.action,
                    # A token that goes on in the next line is only known as long as there is a next line.
                    reason=" ".join(without_secrets(change.reason, settings.secret_scan).split()),
                    new_path=change.new_path,
                    content_ref=ref,
                    content_digest=digest,
                    base_digest=change.base_digest or _digest_at(read(observed, change.path), change.action),
                )
            )
    return tuple(items), contents, examined


def _digest_at(data: bytes | None, action: Action) -> str | None:
    """Digest of the version that was seen, where the action is one on what exists."""
    return None if data is None or action is Action.CREATE else sha256_digest(data)


def _pinned(desk: Desk, source_run: str | None) -> str | None:
    """The commit that a run was told memory from, by its newest snapshot."""
    if source_run is None:
        return None
    table = snapshots.c
    where = (
        table.organization == desk.organization,
        table.dispatch_run == source_run,
        table.memory_repository.in_((desk.repository_name, desk.brain.repository.name)),
    )
    with desk.database.reading() as connection:
        statement = select(table.resolved_commit).where(*where).order_by(table.id.desc()).limit(1)
        found = connection.execute(statement).scalar()
    return found if found is not None and holds(desk.brain.repository, found) else None
