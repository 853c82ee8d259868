"""Tables of the record store: what was told to whom, and what was done by whom.

Rows are inserted and never changed; triggers refuse updates and deletions. The heads of the audit log are the one
exception. What is learnt later, that a snapshot is known to be bad for instance, is a row of its own that points at the
older one. Columns beside a JSON ``body`` or ``spec`` repeat what is searched for; the JSON is what counts.

Every index starts with the organisation: no lookup touches, or takes longer because of, another one's rows.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the key is called INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

objects = Table(
    "objects",
    metadata,
    Column("organization", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization", "digest"),
)
"""Stored material by digest of its bytes; ``content`` is compressed by zstd, ``bytes`` is its size before that."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("resolved_commit", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("dispatch_run", Text),
    Column("session_ref", Text),
    Column("selection_digest", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("origin", Text, nullable=False),
    UniqueConstraint("organization", "name"),
    Index(None, "organization", "memory_repository", "resolved_commit"),
    Index(None, "organization", "resolved_commit"),
    Index(None, "organization", "dispatch_run"),
)
"""``origin`` is JSON: where the repository was found, and what else only this installation knows."""

queries = Table(
    "queries",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("snapshot_id", ForeignKey("snapshots.id"), nullable=False, index=True),
    Column("spec", Text, nullable=False),
    Column("status", Text, nullable=False),
    UniqueConstraint("organization", "name"),
)

consumed = Table(
    "consumed",
    metadata,
    Column("snapshot_id", ForeignKey("snapshots.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("organization", Text, nullable=False),
    Column("record_id", Text),
    Column("path", Text, nullable=False),
    PrimaryKeyConstraint("snapshot_id", "number"),
    Index(None, "organization", "record_id", "snapshot_id"),
    Index(None, "organization", "path", "snapshot_id"),
    sqlite_with_rowid=False,
)
"""The records and files that each snapshot selected something of: the answer to "who was told this?".

One row for each, numbered from 1 in order of rank, however much of it was selected: these rows are most of what the
making of a snapshot writes.
"""

snapshot_tags = Table(
    "snapshot_tags",
    metadata,
    Column("organization", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("snapshot_id", ForeignKey("snapshots.id"), nullable=False, index=True),
    PrimaryKeyConstraint("organization", "memory_repository", "tag"),
)

known_bad_ranges = Table(
    "known_bad_ranges",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "organization", "memory_repository", "name"),
)
"""Stretches of history that must not be trusted. A range is closed or withdrawn by a newer row of its name."""

known_bad_marks = Table(
    "known_bad_marks",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("snapshot_id", ForeignKey("snapshots.id"), nullable=False),
    Column("range_id", ForeignKey("known_bad_ranges.id"), nullable=False),
    Column("range_name", Text, nullable=False),
    Column("is_bad", Boolean, nullable=False),
    Index(None, "organization", "snapshot_id", "range_name"),
    Index(None, "organization", "range_name", "snapshot_id"),
)
"""Snapshots that a range covers, and, by a newer row, no longer covers."""

config_changes = Table(
    "config_changes",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("source_uid", Text, nullable=False),
    Column("change_digest", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("organization", "idempotency_key"),
    UniqueConstraint("organization", "name"),
    Index(None, "organization", "source_uid", "change_digest"),
    Index(None, "organization", "commit"),
)
"""Changes of config repositories, written before anything is pushed."""

config_change_states = Table(
    "config_change_states",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("change_id", ForeignKey("config_changes.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "organization", "change_id"),
)
"""What became of each change; the newest row counts. Without any it isn't known yet whether it was pushed."""


def _documents(name: str) -> Table:
    """Updates or imports: what names each of them for good."""
    return Table(
        name,
        metadata,
        Column("id", _Number, primary_key=True),
        Column("organization", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("memory_repository", Text, nullable=False),
        Column("source_run", Text),
        Column("idempotency_key", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        UniqueConstraint("organization", "name"),
        Index(None, "organization", "idempotency_key"),
        Index(None, "organization", "memory_repository", "created_at"),
        Index(None, "organization", "source_run", "created_at"),
    )


def _states(name: str, documents: str, key: str) -> Table:
    """The whole document after each step. Two who take the same step get the same ``number``: one of them fails."""
    return Table(
        name,
        metadata,
        Column("id", _Number, primary_key=True),
        Column("organization", Text, nullable=False),
        Column(key, ForeignKey(f"{documents}.id"), nullable=False),
        Column("number", Integer, nullable=False),
        Column("phase", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("body", Text, nullable=False),
        UniqueConstraint(key, "number"),
        Index(None, "organization", "phase", "updated_at"),
    )


memory_updates = _documents("memory_updates")
memory_update_states = _states("memory_update_states", "memory_updates", "update_id")
memory_imports = _documents("memory_imports")
memory_import_states = _states("memory_import_states", "memory_imports", "import_id")

pull_requests = Table(
    "pull_requests",
    metadata,
    Column("organization", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("branch", Text, nullable=False),
    Column("target", Text, nullable=False),
    PrimaryKeyConstraint("organization", "memory_repository", "number"),
    Index(None, "organization", "memory_repository", "branch"),
)
"""Pull requests of repositories that no forge keeps."""

pull_request_events = Table(
    "pull_request_events",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(
        ["organization", "memory_repository", "number"],
        ["pull_requests.organization", "pull_requests.memory_repository", "pull_requests.number"],
    ),
    Index(None, "organization", "memory_repository", "number"),
)
"""What happened to them: descriptions, comments, reviews, closing and merging."""

commit_statuses = Table(
    "commit_statuses",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("memory_repository", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "organization", "memory_repository", "commit"),
)
"""Statuses of commits of repositories that no forge keeps; the newest one of a context counts."""

notifications = Table(
    "notifications",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("organization", "dedupe_key"),
    Index(None, "organization", "recipient"),
)
"""Who has to be told what: owners of runs that were given bad memory, for one."""

audit_records = Table(
    "audit_records",
    metadata,
    Column("organization", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("time", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("actor", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target_name", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("repository", Text),
    Column("memory_repository", Text),
    Column("commit", Text),
    Column("memory_commit", Text),
    Column("stack", Text),
    Column("trigger_rule", Text),
    Column("dispatch_run", Text),
    Column("attempt", Text),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("organization", "sequence"),
)
"""``body`` is the canonical JSON of a record without its hash, ``hash`` the digest of these bytes."""

for _name in (
    *("time", "class", "type", "allowed", "actor", "target_kind", "target_name", "correlation_id"),
    *("repository", "memory_repository", "commit", "memory_commit"),
    *("stack", "trigger_rule", "dispatch_run", "attempt"),
):
    _column = audit_records.c[_name]
    _present = _column.is_not(None) if _column.nullable else None
    Index(
        f"ix_audit_records_{_name}",
        *(audit_records.c.organization, _column, audit_records.c.sequence),
        sqlite_where=_present,
        postgresql_where=_present,
    )

audit_groups = Table(
    "audit_groups",
    metadata,
    Column("organization", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "group", "sequence"),
    ForeignKeyConstraint(["organization", "sequence"], ["audit_records.organization", "audit_records.sequence"]),
    Index(None, "organization", "sequence"),
)
"""The groups of each record's actor."""

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("time", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""The last record of each organisation: the row that whoever appends locks, so that numbers have no gap."""
