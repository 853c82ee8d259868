"""Where updates of one brain are worked on: the brain, its records, its forge, its owner's policy, and who asks."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.git.instants import format_instant
from krate_gitops.git.lookup import find_default_branch, read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.source import open_source
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.records.audit_record import Actor
from krate_gitops.records.correlation import new_correlation_id
from krate_gitops.records.database import Database
from krate_gitops.updates.forges.port import Forge
from krate_gitops.updates.repository_policy import RepositoryPolicy

PROPOSE, APPROVE, MERGE, ONTOLOGY = (
    "memory.updates.propose",
    "memory.updates.approve",
    "memory.updates.merge",
    "memory.ontology.manage",
)
EVERYTHING = frozenset((PROPOSE, APPROVE, MERGE, ONTOLOGY))


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: ``kind`` is ``User``, ``Agent`` or ``Controller``; ``address`` is an e-mail address or empty."""

    kind: str
    name: str
    address: str = ""
    permissions: frozenset[str] = EVERYTHING

    @property
    def signature(self) -> str:
        """``Name <address>`` as commits have it."""
        return f"{self.name} <{self.address}>"

    def actor(self) -> Actor:
        """As the audit log has it."""
        return Actor(kind=self.kind, name=self.name)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """``correlation_id`` ties the records of one operation together; ``reader`` is what the caller may be told of."""

    brain: Brain
    database: Database
    forge: Forge
    policy: RepositoryPolicy
    caller: Caller
    now: datetime
    correlation_id: str
    reader: EffectivePolicy

    @property
    def organization(self) -> str:
        """Slug of the organisation."""
        return self.brain.settings.organization

    @property
    def repository_name(self) -> str:
        """Name of the memory repository."""
        return self.policy.name or self.brain.repository.name

    @property
    def instant(self) -> str:
        """Now, RFC 3339 in UTC to the second."""
        return format_instant(int(self.now.timestamp()))

    def again(self) -> Desk:
        """The same desk with the repository as it is now."""
        return msgspec.structs.replace(self, brain=self.brain.anew())

    def target_branch(self) -> str:
        """Short name of the branch whose history is approved memory."""
        return self.policy.default_branch or find_default_branch(self.brain.repository)

    def tip(self, branch: str) -> str | None:
        """The commit a branch stands at; None where there is none."""
        name = f"refs/heads/{branch}"
        return read_refs(self.brain.repository, [name]).get(name)

    def secret_scan(self) -> SecretScan:
        """How the brain, as it is now, has texts scanned for secrets."""
        tip = self.tip(self.target_branch())
        if tip is None:
            return SecretScan()
        with ObjectReader(self.brain.repository) as reader:
            source = open_source(self.brain.target(tip), reader, self.brain.builder.store)
        return source.ontology.rules.secret_scan

    def require(self, permission: str) -> None:
        """Raises ``DeniedError(POLICY_DENIED)`` when the caller lacks a permission."""
        if permission not in self.caller.permissions:
            raise DeniedError("POLICY_DENIED", f"this needs {permission}", hint="ask an administrator for it")

    def require_writes(self) -> None:
        """Raises ``KrateError(MEMORY_WRITES_DISABLED)`` unless the repository takes writes."""
        if self.policy.access_mode != "ReadWrite":
            raise KrateError(
                "MEMORY_WRITES_DISABLED",
                f"the repository's access mode is {self.policy.access_mode}",
                hint="its owner sets accessMode in the AgentMemoryRepository",
            )


def desk_at(
    brain: Brain,
    database: Database,
    forge: Forge,
    policy: RepositoryPolicy,
    caller: Caller,
    *,
    now: datetime | None = None,
    reader: EffectivePolicy | None = None,
) -> Desk:
    """A desk for one operation."""
    at = now or datetime.now(UTC)
    return Desk(
        brain=brain,
        database=database,
        forge=forge,
        policy=policy,
        caller=caller,
        now=at,
        correlation_id=new_correlation_id(now=at),
        reader=reader or owner_policy(),
    )
