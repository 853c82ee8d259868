"""Which records of the audit log are wanted: conditions that all must hold, always within one organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, and_, or_, select

from krate_gitops.digest import json_digest
from krate_gitops.records.audit_rows import timestamp
from krate_gitops.records.tables import audit_groups, audit_records


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a record must have; ``None`` asks for nothing.

    ``user`` is an actor's name, whatever its kind. ``repository`` and ``commit`` may be those of the source or of the
    memory. ``since`` is inclusive, ``until`` is not; both are compared in milliseconds and must have an offset.
    """

    organization: str
    repository: str | None = None
    user: str | None = None
    group: str | None = None
    stack: str | None = None
    trigger_rule: str | None = None
    dispatch_run: str | None = None
    attempt: str | None = None
    target_kind: str | None = None
    target_name: str | None = None
    class_: str | None = None
    type: str | None = None
    allowed: bool | None = None
    correlation_id: str | None = None
    commit: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fingerprint(self) -> str:
        """16 hex digits that tell filters apart."""
        return json_digest(msgspec.to_builtins(self)).removeprefix("sha256:")[:16]


_columns = audit_records.c
_EQUAL: Mapping[str, tuple[Column[Any], ...]] = {
    "organization": (_columns.organization,),
    "repository": (_columns.repository, _columns.memory_repository),
    "user": (_columns.actor,),
    "stack": (_columns.stack,),
    "trigger_rule": (_columns.trigger_rule,),
    "dispatch_run": (_columns.dispatch_run,),
    "attempt": (_columns.attempt,),
    "target_kind": (_columns.target_kind,),
    "target_name": (_columns.target_name,),
    "class_": (_columns["class"],),
    "type": (_columns.type,),
    "allowed": (_columns.allowed,),
    "correlation_id": (_columns.correlation_id,),
    "commit": (_columns.commit, _columns.memory_commit),
}
"""The columns one of which must be equal. Each has an index that begins with the organisation."""


def condition(wanted: AuditFilter) -> ColumnElement[bool]:
    """The filter in SQL."""
    terms = [
        or_(*(column == getattr(wanted, name) for column in columns))
        for name, columns in _EQUAL.items()
        if getattr(wanted, name) is not None
    ]
    if wanted.since is not None:
        terms.append(_columns.time >= timestamp(wanted.since))
    if wanted.until is not None:
        terms.append(_columns.time < timestamp(wanted.until))
    if wanted.group is not None:
        groups = audit_groups.c
        in_group = select(groups.sequence).where(
            groups.organization == wanted.organization, groups.group == wanted.group
        )
        terms.append(_columns.sequence.in_(in_group))
    return and_(*terms)
