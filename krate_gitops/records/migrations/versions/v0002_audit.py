"""The audit log: its records, the groups of their actors, and the last record of each organisation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from krate_gitops.records.append_only import make_append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REQUIRED = ("target_kind", "target_name", "correlation_id")
_OPTIONAL = (
    *("repository", "memory_repository", "commit", "memory_commit"),
    *("stack", "trigger_rule", "dispatch_run", "attempt"),
)


def upgrade() -> None:
    op.create_table(
        "audit_records",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _REQUIRED),
        *(sa.Column(name, sa.Text()) for name in _OPTIONAL),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "sequence", name="pk_audit_records"),
    )
    for name in ("time", "class", "type", "allowed", "actor", *_REQUIRED):
        _index(name)
    for name in _OPTIONAL:
        # Most records have none of these; an index of those that do costs the others nothing.
        _index(name, where=f'"{name}" IS NOT NULL')
    _create_groups_and_heads()
    make_append_only(op.get_bind(), "audit_records", "audit_groups")


def _create_groups_and_heads() -> None:
    op.create_table(
        "audit_groups",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "group", "sequence", name="pk_audit_groups"),
        sa.ForeignKeyConstraint(
            ["organization", "sequence"],
            ["audit_records.organization", "audit_records.sequence"],
            name="fk_audit_groups_organization_sequence",
        ),
    )
    op.create_index("ix_audit_groups_organization_sequence", "audit_groups", ["organization", "sequence"])
    op.create_table(
        "audit_heads",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", name="pk_audit_heads"),
    )


def _index(column: str, *, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        f"ix_audit_records_{column}",
        "audit_records",
        ["organization", column, "sequence"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
