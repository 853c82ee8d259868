"""What happened at acme between March and June 2026, commit by commit.

Each commit names the files it touches; their content is the example brain's, or an older reading of it where one is
given. Every commit on the main branch is valid.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from krate_gitops.demo.earlier import (
    AT_THE_START,
    DUPLICATES,
    FIRST_REPLAY,
    INCIDENT_OPEN,
    MEMORY,
    REPLAY,
    SCRIPT,
    WITH_KEYS,
    Edits,
)

DANA = "Dana Okafor <dana@acme.example>"
RAVI = "Ravi Menon <ravi@acme.example>"
IMANI = "Imani Clarke <imani@acme.example>"


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One commit on the main branch. ``time`` is RFC 3339; ``paths`` and the keys of ``older`` are what it writes."""

    time: str
    author: str
    message: str
    paths: tuple[str, ...] = ()
    older: Mapping[str, Edits] = {}
    with_diary: bool = False


STORY: tuple[Chapter, ...] = (
    Chapter(
        time="2026-03-02T16:00:00Z",
        author=RAVI,
        message="Start the company brain",
        paths=(
            "ontology/controlled-vocabulary.yaml",
            "ontology/edge-kinds.yaml",
            "ontology/node-kinds.yaml",
            "ontology/validation-rules.yaml",
            "graph/organization.yaml",
            "graph/products/checkout.yaml",
            "graph/repositories/checkout-web.yaml",
            "graph/services/checkout-web.yaml",
            "graph/services/fx-rates.yaml",
            "graph/teams/platform.yaml",
            "graph/terms/settlement.yaml",
            "agents/practices/money-is-an-integer.md",
            "decisions/fx-single-provider.md",
            "decisions/fx-two-providers.md",
            "decisions/ledger-append-only.md",
            "incidents/2026-01-card-numbers-in-logs.md",
            "runbooks/payments/fx-rate-freeze.md",
            "runbooks/payments/refund-manual.md",
        ),
        older=AT_THE_START,
    ),
    Chapter(
        time="2026-03-05T09:00:00Z",
        author=RAVI,
        message="Move the on-call diary here",
        with_diary=True,
    ),
    Chapter(
        time="2026-03-12T18:00:00Z",
        author=IMANI,
        message="Incident: 41 refunds were paid twice",
        older=INCIDENT_OPEN,
    ),
    Chapter(
        time="2026-03-19T09:00:00Z",
        author=IMANI,
        message="Decide that calls which move money carry a key",
        paths=("decisions/idempotency-keys.md", DUPLICATES),
        older=WITH_KEYS,
    ),
    Chapter(
        time="2026-03-20T14:30:00Z",
        author=DANA,
        message="Replace the refund script by a replay in ledger order",
        paths=(SCRIPT,),
        older=FIRST_REPLAY,
    ),
    Chapter(
        time="2026-04-08T15:30:00Z",
        author=RAVI,
        message="Runbook: rotating database credentials",
        paths=("runbooks/platform/rotate-database-credentials.md",),
    ),
    Chapter(
        time="2026-04-20T09:00:00Z",
        author=DANA,
        message="Teams after the reorganisation, and a word on Northwind",
        paths=("graph/teams/checkout.yaml", "graph/teams/core-banking.yaml", "pages/customers/northwind.md"),
    ),
    Chapter(
        time="2026-05-05T09:30:00Z",
        author=IMANI,
        message="Practice: reproduce before fixing",
        paths=("agents/practices/reproduce-before-fixing.md",),
    ),
    Chapter(
        time="2026-05-20T10:30:00Z",
        author=DANA,
        message="After the ledger stall: incident, failover, read-only tools",
        paths=(
            "README.md",
            "agents/skills/ledger-query.md",
            "agents/tools/psql-readonly.md",
            MEMORY,
            "graph/repositories/ledger.yaml",
            "graph/repositories/payments.yaml",
            "incidents/2026-05-ledger-stall.md",
            "runbooks/payments/ledger-failover.md",
        ),
    ),
    Chapter(
        time="2026-05-28T11:30:00Z",
        author=IMANI,
        message="Review the services of checkout",
        paths=("graph/services/payments-api.yaml", "graph/services/refund-worker.yaml"),
    ),
    Chapter(
        time="2026-06-02T09:30:00Z",
        author=DANA,
        message="Refund replay: what the May stall taught",
        paths=("graph/services/payments-ledger.yaml", REPLAY),
    ),
    Chapter(
        time="2026-06-08T12:00:00Z",
        author=IMANI,
        message="Why refunds are slow on Mondays",
        paths=("notes/investigations/2026-06-refund-latency.md",),
    ),
    Chapter(
        time="2026-06-09T16:00:00Z",
        author=IMANI,
        message="Payments weekly",
        paths=("notes/meetings/2026-06-09-payments-weekly.md",),
    ),
)

AUDIT_TAG = "audit-2026-q1"
AUDIT_CHAPTER = 4
"""Position of the commit that the auditors were shown."""

PROPOSAL_BRANCH = "fx-fallback"
PROPOSAL = "runbooks/payments/fx-fallback.md"
PROPOSAL_TIME = "2026-06-10T08:00:00Z"
PROPOSAL_TEXT = """---
id: runbook:fx-fallback
kind: Runbook
title: Switching to the fallback rates
status: approved
owners: [team:core-banking]
summary: Convert with yesterday's closing rates when both providers are gone for more than four hours.
tags: [fx, incident-response]
related:
  depends_on: [service:fx-rate]
updatedAt: 2026-06-10T07:50:00Z
---
1. Ask the lead of core banking. This costs money.
2. `fxctl fallback on`, and say so in the channel of the shops.
"""
"""One edge leads to a service that does not exist: the s is missing."""
