"""A service, and files that are about it, in one way or another, or not."""

from __future__ import annotations

from tests.unit.memory.world import markdown, record

SCOPE = {
    "graph/r.yaml": record("Repository", "repository:pay"),
    "graph/s.yaml": record("Service", "service:s", title="needle", repoRefs=["repository:pay"]),
    "notes/shares.md": "---\nrepoRefs: [repository:pay]\n---\n# Shares\n\nA needle here.\n",
    "notes/record.md": markdown(
        "Decision",
        "decision:shares",
        "A needle in a note with an id.\n",
        repoRefs=["repository:pay"],
        status="archived",
    ),
    "notes/names.md": "# Names\n\nThe needle of `service:s`, as said.\n",
    "notes/longer.md": "# Longer\n\nThe needle of service:s-two.\n",
    "notes/other.md": "# Other\n\nA needle elsewhere.\n",
    "runbooks/o.md": markdown("Runbook", "runbook:o", "A haystack; sewing, and service:s too.\n"),
}
