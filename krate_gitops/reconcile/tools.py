"""What a pass works with, handed down explicitly: nothing below looks for a clock, a cluster or a store by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.identity import Identity, service_account
from krate_gitops.git.local import Repository
from krate_gitops.reconcile.audit import Audit
from krate_gitops.reconcile.fights import Fights
from krate_gitops.reconcile.source import Source
from krate_gitops.records.audit_record import Entry
from krate_gitops.settings import Settings

if TYPE_CHECKING:
    from krate_gitops.reconcile.outcome import Outcome


async def _always() -> bool:
    return True


def _no_audit(_: Sequence[Entry]) -> None:
    """For passes that write nothing."""


def _never(_: Outcome) -> datetime | None:
    """For single passes: nobody comes again by himself."""
    return None


class Log(Protocol):
    """Takes what happens in a process that lives on: its level (``debug`` to ``error``), what it is, and details."""

    def __call__(self, level: str, event: str, **details: Any) -> None: ...


def _no_changes(source: Source, repository: Repository, commit: str) -> None:
    """For passes without a record store."""


def _silent(level: str, event: str, **details: Any) -> None:
    """For single passes: they return what happened."""


def _now() -> datetime:
    return datetime.now(UTC)


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """``api`` speaks for the reconciler itself: it reads sources and writes their status, and nothing else.

    ``may_continue`` is asked before every wave; False ends the pass (the lease is lost, or somebody wants it to stop).
    """

    api: Api
    settings: Settings
    audit: Audit = _no_audit
    now: Callable[[], datetime] = _now
    may_continue: Callable[[], Awaitable[bool]] = _always
    has_snapshots: Callable[[str, str], bool] = lambda _organization, _name: False
    """Whether there are snapshots of a memory repository of an organization."""
    applied: Callable[[Source, Repository, str], None] = _no_changes
    """Told of the commit that is in force now, before the status says so. It may block, and may be told again."""
    fights: Fights = msgspec.field(default_factory=Fights)
    """Corrections of the source's objects so far; of a process that lives on, else none."""
    log: Log = _silent
    next_attempt: Callable[[Outcome], datetime | None] = _never
    """Told once what a pass came to, before its status is written; says when the next one is due."""
    repository: str = ""
    """A local repository that stands in for that of the source."""
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _all: None
    """Told of every object: the stage, how many are done, and how many there are."""


def identity_of(source: Source) -> Identity:
    """Whom every call about the source's objects speaks for."""
    return service_account(source.namespace, source.spec.service_account_name)
