"""How files of the example brain read earlier: edits that lead from the present text back to an older one."""

from __future__ import annotations

from collections.abc import Mapping

Edits = tuple[tuple[str, str], ...]

_LEDGER = "graph/repositories/ledger.yaml"
_PAYMENTS = "graph/repositories/payments.yaml"
_API = "graph/services/payments-api.yaml"
_WORKER = "graph/services/refund-worker.yaml"
REPLAY = "runbooks/payments/refund-replay.md"
SCRIPT = "runbooks/payments/refund-script.md"
MEMORY = "babysitter/MEMORY.md"
DUPLICATES = "incidents/2026-03-duplicate-refunds.md"

_BEFORE_KEYS: Edits = (
    ("updatedAt: 2026-05-28T11:00:00Z", "updatedAt: 2026-01-12T10:00:00Z"),
    ("    - decision:idempotency-keys\n", ""),
)

AT_THE_START: Mapping[str, Edits] = {
    "README.md": (("- What went wrong in May?\n", ""),),
    MEMORY: (
        ("- Every call that moves money carries an idempotency key (`decision:idempotency-keys`).\n", ""),
        (
            "- Replaying refunds in another order than the ledger's doubled 41 of them in March "
            "(`incident:2026-03-duplicate-refunds`).\n- A stalled ledger looks like slow payments at first; its lag is "
            "the number to look at (`runbook:ledger-failover`).\n",
            "- Rates that are older than five minutes are wrong rates (`runbook:fx-rate-freeze`).\n",
        ),
        ("`runbook:payments-refund-replay`\n- Reading the ledger safely: `skill:ledger-query`", ""),
        ("- Refunds: ", "- Refunds: `runbook:payments-refund-script`"),
    ),
    _LEDGER: (
        ("updatedAt: 2026-05-11T13:25:00Z", "updatedAt: 2026-01-12T09:10:00Z"),
        ("The append-only ledger, its replication and its read model.", "The append-only ledger and its replication."),
    ),
    _PAYMENTS: (("updatedAt: 2026-05-11T13:20:00Z", "updatedAt: 2026-01-12T09:12:00Z"),),
    _API: _BEFORE_KEYS,
    "graph/services/payments-ledger.yaml": (("updatedAt: 2026-06-02T09:15:00Z", "updatedAt: 2026-01-20T09:05:00Z"),),
    _WORKER: (
        ("updatedAt: 2026-05-28T11:10:00Z", "updatedAt: 2026-01-12T10:05:00Z"),
        (
            "Takes refunds from the queue, in the order of the ledger, and sends",
            "Takes refunds from the queue and sends",
        ),
        ('  implements: ["decision:idempotency-keys"]\n', ""),
    ),
    "graph/teams/core-banking.yaml": (
        ("updatedAt: 2026-04-20T08:30:00Z", "updatedAt: 2026-01-12T09:20:00Z"),
        (" On call around the clock.", ""),
    ),
    "graph/teams/checkout.yaml": (("updatedAt: 2026-04-20T08:35:00Z", "updatedAt: 2026-01-12T09:25:00Z"),),
    SCRIPT: (
        ("status: deprecated", "status: approved"),
        ("title: Resending refunds with the script", "title: Resending refunds with the script after a ledger outage"),
        (
            "The script that resent queued refunds by time of request. It paid some twice and must not be used.",
            "Run the script that resends all queued refunds once the ledger is back, oldest request first.",
        ),
        ("updatedAt: 2026-03-20T14:00:00Z", "updatedAt: 2026-01-15T10:00:00Z"),
        (
            "Replaced by `runbook:payments-refund-replay` after the doubled refunds of March 2026.\n\n"
            "The script read the queue, sorted it by time of request and sent each refund again. It asked nobody "
            "whether the card\nnetwork had seen a refund before.\n",
            "1. Wait until the ledger answers again.\n"
            "2. Run `resend-refunds --all`. It reads the queue, sorts it by time of request and sends each refund.\n"
            "3. Look at the dashboard *refunds* until the queue is empty.\n",
        ),
    ),
}
"""The first commit."""

INCIDENT_OPEN: Mapping[str, Edits] = {
    DUPLICATES: (
        ("  resolved_by: [decision:idempotency-keys]\n", ""),
        ("updatedAt: 2026-03-19T08:30:00Z", "updatedAt: 2026-03-12T17:45:00Z"),
        (
            "\nTwo things had to come together: an order that is not the ledger's, and no key by which the card "
            "network could tell a\nrepeated refund.\n",
            "",
        ),
    ),
}
"""The day after the doubled refunds."""

WITH_KEYS: Mapping[str, Edits] = {
    _API: (("updatedAt: 2026-05-28T11:00:00Z", "updatedAt: 2026-03-19T08:10:00Z"),),
    _WORKER: (
        ("updatedAt: 2026-05-28T11:10:00Z", "updatedAt: 2026-03-19T08:12:00Z"),
        (
            "Takes refunds from the queue, in the order of the ledger, and sends",
            "Takes refunds from the queue and sends",
        ),
    ),
}
"""Once calls carried idempotency keys."""

FIRST_REPLAY: Mapping[str, Edits] = {
    REPLAY: (
        ("lastExercisedAt: 2026-05-30T09:00:00Z\n", ""),
        (", runbook:ledger-failover]", "]"),
        (", incident:2026-05-ledger-stall]", "]"),
        ("updatedAt: 2026-06-02T09:15:00Z", "updatedAt: 2026-03-20T14:10:00Z"),
        ("below one second. If it\n   is not, stop and follow `runbook:ledger-failover`.", "below one second."),
        (" It takes about twenty minutes for a thousand refunds.", ""),
    ),
    _WORKER: (("updatedAt: 2026-05-28T11:10:00Z", "updatedAt: 2026-03-20T13:50:00Z"),),
    MEMORY: (
        (
            "- A stalled ledger looks like slow payments at first; its lag is the number to look at "
            "(`runbook:ledger-failover`).\n",
            "",
        ),
        ("- Reading the ledger safely: `skill:ledger-query`\n", ""),
    ),
}
"""The replay before anybody had needed it."""


def earlier(text: bytes, edits: Edits) -> bytes:
    """The older text. Raises ``ValueError`` when an edit no longer fits the example."""
    result = text.decode()
    for present, past in edits:
        if present not in result:
            raise ValueError(f"the example brain no longer contains {present!r}")
        result = result.replace(present, past)
    return result.encode()
