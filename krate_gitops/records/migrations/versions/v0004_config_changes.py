"""Changes of config repositories, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from krate_gitops.records.append_only import make_append_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "config_changes",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source_uid", sa.Text(), nullable=False),
        sa.Column("change_digest", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("organization", "idempotency_key", name="uq_config_changes_organization_idempotency_key"),
        sa.UniqueConstraint("organization", "name", name="uq_config_changes_organization_name"),
    )
    op.create_index(
        "ix_config_changes_organization_source_uid_change_digest",
        "config_changes",
        ["organization", "source_uid", "change_digest"],
    )
    op.create_index("ix_config_changes_organization_commit", "config_changes", ["organization", "commit"])
    op.create_table(
        "config_change_states",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("change_id", _NUMBER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["config_changes.id"], name="fk_config_change_states_change_id"),
    )
    op.create_index(
        "ix_config_change_states_organization_change_id", "config_change_states", ["organization", "change_id"]
    )
    make_append_only(op.get_bind(), "config_changes", "config_change_states")
