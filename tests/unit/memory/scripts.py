"""A brain whose texts are of many scripts, and hold what query languages give a meaning."""

from __future__ import annotations

from tests.unit.memory.world import markdown, record

FILES = {
    "graph/services/api.yaml": record(
        "Service", "service:api", title="Payments API", summary="Takes refunds and payments"
    ),
    "runbooks/a.md": markdown("Runbook", "runbook:a", "AND OR NOT near a refund. Café au lait, שלום עולם, مرحبا.\n"),
    "notes/n.md": '# Emoji\n\nShip it \U0001f680 now. Cafe\u0301 in two pieces. a "quoted" (thing) * ~ ^ : here.\n',
    "notes/letters.md": "x\n" * 50,
}
