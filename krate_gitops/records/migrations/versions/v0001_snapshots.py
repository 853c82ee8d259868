"""Snapshots, their queries, material, items and tags, and what is known to be bad."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from krate_gitops.records.append_only import make_append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "digest", name="pk_objects"),
    )
    _create_snapshots()
    _create_what_hangs_on_snapshots()
    _create_known_bad()
    make_append_only(
        op.get_bind(),
        *("objects", "snapshots", "queries", "snapshot_items", "snapshot_tags"),
        *("known_bad_ranges", "known_bad_marks"),
    )


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("resolved_commit", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("dispatch_run", sa.Text()),
        sa.Column("session_ref", sa.Text()),
        sa.Column("selection_digest", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sa.UniqueConstraint("organization", "name", name="uq_snapshots_organization_name"),
    )
    _index("snapshots", "organization", "memory_repository", "resolved_commit")
    _index("snapshots", "organization", "resolved_commit")
    _index("snapshots", "organization", "dispatch_run")


def _create_what_hangs_on_snapshots() -> None:
    op.create_table(
        "queries",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("snapshot_id", _NUMBER, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_queries_snapshot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_queries"),
        sa.UniqueConstraint("organization", "name", name="uq_queries_organization_name"),
    )
    _index("queries", "snapshot_id")
    op.create_table(
        "snapshot_items",
        sa.Column("snapshot_id", _NUMBER, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line_start", sa.Integer()),
        sa.Column("line_end", sa.Integer()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_snapshot_items_snapshot_id"),
        sa.PrimaryKeyConstraint("snapshot_id", "rank", name="pk_snapshot_items"),
    )
    _index("snapshot_items", "organization", "record_id", "snapshot_id")
    _index("snapshot_items", "organization", "path", "snapshot_id")
    op.create_table(
        "snapshot_tags",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("snapshot_id", _NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_snapshot_tags_snapshot_id"),
        sa.PrimaryKeyConstraint("organization", "memory_repository", "tag", name="pk_snapshot_tags"),
    )


def _create_known_bad() -> None:
    op.create_table(
        "known_bad_ranges",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_known_bad_ranges"),
    )
    _index("known_bad_ranges", "organization", "memory_repository", "name")
    op.create_table(
        "known_bad_marks",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("snapshot_id", _NUMBER, nullable=False),
        sa.Column("range_id", _NUMBER, nullable=False),
        sa.Column("range_name", sa.Text(), nullable=False),
        sa.Column("is_bad", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["range_id"], ["known_bad_ranges.id"], name="fk_known_bad_marks_range_id"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_known_bad_marks_snapshot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_known_bad_marks"),
    )
    _index("known_bad_marks", "organization", "snapshot_id", "range_name")
    _index("known_bad_marks", "organization", "range_name", "snapshot_id")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
