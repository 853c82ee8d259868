"""One row for each record or file that a snapshot consumed, in place of one for each item selected of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from krate_gitops.records.append_only import make_append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SOURCES = """
INSERT INTO consumed (snapshot_id, number, organization, record_id, path)
SELECT snapshot_id, ROW_NUMBER() OVER (PARTITION BY snapshot_id ORDER BY best), organization, record_id, path
FROM (
  SELECT snapshot_id, organization, record_id, path, MIN(rank) AS best
  FROM snapshot_items
  GROUP BY snapshot_id, organization, record_id, path
) AS sources
"""


def upgrade() -> None:
    op.create_table(
        "consumed",
        sa.Column("snapshot_id", _NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_consumed_snapshot_id"),
        sa.PrimaryKeyConstraint("snapshot_id", "number", name="pk_consumed"),
        sqlite_with_rowid=False,
    )
    op.execute(_SOURCES)
    op.drop_table("snapshot_items")
    op.create_index(
        "ix_consumed_organization_record_id_snapshot_id", "consumed", ["organization", "record_id", "snapshot_id"]
    )
    op.create_index("ix_consumed_organization_path_snapshot_id", "consumed", ["organization", "path", "snapshot_id"])
    op.create_index("ix_snapshot_tags_snapshot_id", "snapshot_tags", ["snapshot_id"])
    make_append_only(op.get_bind(), "consumed")
