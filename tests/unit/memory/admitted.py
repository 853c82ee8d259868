"""A brain with files of every class, level and status that all hold one word."""

from __future__ import annotations

from typing import Any

from tests.unit.memory.world import World, markdown, record

WORD = "quartz"

FILES = {
    "graph/services/api.yaml": record("Service", "service:api", summary=f"The {WORD} service"),
    "graph/customers/north.yaml": record("Customer", "customer:north", summary=f"Buys {WORD}", sensitivity="public"),
    "graph/vaults/key.yaml": record(
        "Vault", "vault:key", title=f"Key of {WORD}", summary=f"{WORD} inside", owners=["team:core"]
    ),
    "graph/teams/core.yaml": record("Team", "team:core", summary=f"Keeps {WORD}"),
    "runbooks/pay/a.md": markdown("Runbook", "runbook:a", f"Turn the {WORD}.\n"),
    "runbooks/pay/draft.md": markdown("Runbook", "runbook:draft", f"{WORD} drafted.\n", status="draft"),
    "runbooks/pay/none.md": markdown("Runbook", "runbook:none", f"{WORD} without status.\n", status=None),
    "runbooks/pay/old.md": markdown("Runbook", "runbook:old", f"{WORD} archived.\n", status="archived"),
    "runbooks/pay/past.md": markdown("Runbook", "runbook:past", f"{WORD} deprecated.\n", status="deprecated"),
    "runbooks/pay/secret.md": markdown("Runbook", "runbook:secret", f"{WORD} secret.\n", sensitivity="secret-metadata"),
    "runbooks/pay/limited.md": markdown("Runbook", "runbook:limited", f"{WORD} limited.\n", sensitivity="restricted"),
    "runbooks/pay/deep/er/b.md": markdown("Runbook", "runbook:b", f"{WORD} deeper.\n"),
    "runbooks/pay/[x].md": markdown("Runbook", "runbook:x", f"{WORD} in brackets.\n"),
    "runbooks/broken.md": f"---\nid: [\n---\nBroken {WORD}.\n",
    "runbooks/twice.md": markdown("Runbook", "runbook:twice", f"First {WORD}.\n"),
    "runbooks/again.md": markdown("Runbook", "runbook:twice", f"Second {WORD}.\n"),
    "runbooks/case.md": markdown("Runbook", "runbook:Case", f"Upper {WORD}.\n"),
    "runbooks/cased.md": markdown("Runbook", "runbook:case", f"Lower {WORD}.\n"),
    "notes/n.md": f"# Note\n\nA {WORD} note.\n",
    "notes/open.md": f"---\nsensitivity: public\n---\n# Open\n\nAn open {WORD}.\n",
    "notes/limited.md": f"---\nsensitivity: restricted\n---\n# Limited\n\nA limited {WORD}.\n",
    "README.md": f"# Brain of {WORD}\n",
    "babysitter/MEMORY.md": f"# Memory\n\n{WORD} first.\n",
    "indexes/x.json": f'{{"{WORD}": 1}}\n',
    "stray.txt": f"{WORD}\n",
    "graph/dump.csv": f"{WORD}\n",
    "ontology/validation-rules.yaml": f"schemaVersion: 1\nontologyVersion: 1.0.0\n# {WORD}\n",
}
SERVED = {
    "graph/services/api.yaml",
    "graph/customers/north.yaml",
    "graph/teams/core.yaml",
    "runbooks/pay/a.md",
    "runbooks/pay/draft.md",
    "runbooks/pay/none.md",
    "runbooks/pay/old.md",
    "runbooks/pay/past.md",
    "runbooks/pay/limited.md",
    "runbooks/pay/deep/er/b.md",
    "runbooks/pay/[x].md",
    "runbooks/broken.md",
    "runbooks/twice.md",
    "runbooks/again.md",
    "runbooks/case.md",
    "runbooks/cased.md",
    "notes/n.md",
    "notes/open.md",
    "notes/limited.md",
    "README.md",
    "babysitter/MEMORY.md",
}
LEVELS = ["public", "internal", "restricted", "secret-metadata"]
STATUSES = ["approved", "draft", "deprecated", "archived"]


def records(world: World, policy: Any = None) -> set[str]:
    return set(world.ids(WORD, policy, edge_depth=0, max_records=200))


def files(world: World, policy: Any = None) -> set[str]:
    """Files that lines come from."""
    found = world.ask(WORD, policy, mode="grep-only", max_matches=200, max_excerpts=200).excerpts
    return {excerpt.path for excerpt in found}


def shown(world: World, policy: Any) -> set[str]:
    """Paths that can be read whole."""
    found = world.ask(mode="document-read", document_paths=tuple(FILES), policy=policy)
    assert {denied.value for denied in found.denied} == set(FILES) - {document.path for document in found.documents}
    return {document.path for document in found.documents}
