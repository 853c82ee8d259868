"""Memory updates, run imports, pull requests of repositories without a forge, and notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from krate_gitops.records.append_only import make_append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _table_of_documents("memory_updates")
    _table_of_states("memory_update_states", "memory_updates", "update_id")
    _table_of_documents("memory_imports")
    _table_of_states("memory_import_states", "memory_imports", "import_id")
    op.create_table(
        "pull_requests",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "memory_repository", "number", name="pk_pull_requests"),
    )
    op.create_index(
        "ix_pull_requests_organization_memory_repository_branch",
        "pull_requests",
        ["organization", "memory_repository", "branch"],
    )
    op.create_table(
        "pull_request_events",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization", "memory_repository", "number"],
            ["pull_requests.organization", "pull_requests.memory_repository", "pull_requests.number"],
            name="fk_pull_request_events_organization_memory_repository_number",
        ),
    )
    op.create_index(
        "ix_pull_request_events_organization_memory_repository_number",
        "pull_request_events",
        ["organization", "memory_repository", "number"],
    )
    op.create_table(
        "commit_statuses",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index(
        "ix_commit_statuses_organization_memory_repository_commit",
        "commit_statuses",
        ["organization", "memory_repository", "commit"],
    )
    op.create_table(
        "notifications",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("organization", "dedupe_key", name="uq_notifications_organization_dedupe_key"),
    )
    op.create_index("ix_notifications_organization_recipient", "notifications", ["organization", "recipient"])
    make_append_only(
        op.get_bind(),
        *("memory_updates", "memory_update_states", "memory_imports", "memory_import_states"),
        *("pull_requests", "pull_request_events", "commit_statuses", "notifications"),
    )


def _table_of_documents(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("memory_repository", sa.Text(), nullable=False),
        sa.Column("source_run", sa.Text()),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.UniqueConstraint("organization", "name", name=f"uq_{name}_organization_name"),
    )
    for columns in (
        ["organization", "idempotency_key"],
        ["organization", "memory_repository", "created_at"],
        ["organization", "source_run", "created_at"],
    ):
        op.create_index(f"ix_{name}_{'_'.join(columns)}", name, columns)


def _table_of_states(name: str, documents: str, key: str) -> None:
    op.create_table(
        name,
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column(key, _NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint([key], [f"{documents}.id"], name=f"fk_{name}_{key}"),
        sa.UniqueConstraint(key, "number", name=f"uq_{name}_{key}_number"),
    )
    columns = ["organization", "phase", "updated_at"]
    op.create_index(f"ix_{name}_{'_'.join(columns)}", name, columns)
