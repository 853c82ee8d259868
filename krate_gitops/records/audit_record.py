"""The audit record, as it is hashed, stored and printed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec


class Stage(enum.StrEnum):
    """When a record is written: at admission, before an external effect, or after it."""

    PREFLIGHT = "preflight"
    INTENT = "intent"
    OUTCOME = "outcome"


class Actor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who acted; the Kubernetes identity where there is one."""

    kind: str
    name: str
    kubernetes_user: str | None = None
    groups: tuple[str, ...] = ()
    service_account: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which part of the program acted, and for what."""

    controller: str
    repository: str | None = None
    deployment: str | None = None
    trigger_rule: str | None = None
    dispatch_run: str | None = None
    attempt: str | None = None
    gitops_source: str | None = None
    resolved_commit: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was acted on."""

    kind: str
    name: str
    uid: str | None = None
    generation: int | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether it was allowed, and why."""

    allowed: bool
    reason: str
    codes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    native_review: str | None = None
    escalation_review: str | None = None


class Digests(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the operation was bound to."""

    context_bundle: str | None = None
    permission_snapshot: str | None = None
    artifact: str | None = None
    diff: str | None = None
    plan: str | None = None
    journal: str | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The memory that was used."""

    repository: str | None = None
    resolved_commit: str | None = None
    snapshot: str | None = None


class CrossOrg(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The policy that admitted a reference into another organisation."""

    sharing_policy_id: str | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Ids of the operation in this and in other systems."""

    correlation_id: str
    source_event_uid: str | None = None
    trigger_execution_uid: str | None = None
    agent_mux_run_id: str | None = None
    agent_mux_session_id: str | None = None
    idempotency_key: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a caller knows of a record; its place in the log is decided when it is appended.

    ``details`` are plain JSON values without floats, under the keys that ``audit_schema`` allows for the class.
    """

    class_: str = msgspec.field(name="class")
    type: str
    stage: Stage = Stage.OUTCOME
    organization_ref: str
    namespace: str
    actor: Actor
    operation: str
    source: Source
    target: Target
    decision: Decision
    digests: Digests = Digests()
    memory: Memory = Memory()
    cross_org: CrossOrg = CrossOrg()
    metadata: Metadata
    details: Mapping[str, Any] = {}


class AuditRecord(Entry, frozen=True, kw_only=True, rename="camel"):
    """A record of the log. ``time`` is RFC 3339 in UTC with milliseconds; ``sequence`` counts from 1 without gaps.

    ``hash`` is the digest of the record without it, ``previous_hash`` that of the organisation's record before.
    """

    id: str
    sequence: int
    time: str
    previous_hash: str
    hash: str
