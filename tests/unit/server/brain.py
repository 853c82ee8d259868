"""A brain with something to find, something to hide and something to be wary of, served to tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.memory.request import Consumer
from krate_gitops.server.mcp.audit import ToolCall
from krate_gitops.server.mcp.budget import Limits
from krate_gitops.server.mcp.gateway import Gateway, Outcome
from krate_gitops.server.mcp.index import PinnedIndex
from krate_gitops.server.mcp.pin import Pin, pin_ref
from krate_gitops.server.mcp.tools.table import TOOLS
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder
from tests.unit.memory.hostile import BLOCKED, FILLING, OVERRIDE, TOKEN
from tests.unit.memory.world import ONTOLOGY, RULES, markdown, record

MANY_LINES = "".join(f"Line {number} of a needle that goes on.\n" for number in range(400))

FILES: dict[str, Content] = {
    **ONTOLOGY,
    "ontology/validation-rules.yaml": RULES,
    "runbooks/refunds.md": markdown(
        "Runbook", "runbook:refunds", "Replay the refunds.\n", summary="How refunds are replayed.",
        owners=["team:money"], edges={"depends_on": ["service:pay"]},
    ),
    "graph/pay.yaml": record("Service", "service:pay", edges={"applies_to_repo": ["repository:pay"]}),
    "graph/repository.yaml": record("Repository", "repository:pay"),
    "graph/team.yaml": record("Team", "team:money"),
    "graph/customer.yaml": record("Customer", "customer:acme", title="refunds of a customer", sensitivity="restricted"),
    "graph/leaky.yaml": record("Service", "service:leaky", title=f"refunds {TOKEN}", summary=FILLING, note=TOKEN),
    "graph/tempting.yaml": record("Service", "service:tempting", title="refunds", summary=OVERRIDE),
    "notes/token.md": f"# Refunds\n\n{FILLING}\nrefunds with {TOKEN} inside\n\n{FILLING}",
    "notes/mostly.md": f"# M\n\n{TOKEN}\n{TOKEN}\n",
    "notes/blocked.md": f"# Blocked refunds\n\n{BLOCKED}\n",
    "notes/long.md": f"# Long\n\n{MANY_LINES}",
    "notes/legal/secret-plan.md": "# Plan\n\nThe refunds nobody may know of.\n",
    "notes/naïve file.md": "# Odd name\n\nFound by its path.\n",
}  # fmt: skip


class Served:
    """A gateway over a pinned brain, called as if over the wire."""

    def __init__(self, repo: RepoBuilder, pin: Pin, gateway: Gateway, index: PinnedIndex, kept: list[ToolCall]) -> None:
        self.repo = repo
        self.pin = pin
        self.gateway = gateway
        self.index = index
        self.kept = kept

    def __call__(self, tool: str, caller: str = "somebody", /, **arguments: Any) -> Outcome:
        return asyncio.run(self.gateway.call(tool, arguments, caller))

    def code(self, tool: str, **arguments: Any) -> str:
        return self(tool, **arguments).code

    def twin(self, limits: Limits, audit: Any = None) -> Served:
        """The same with other limits, and nothing used up."""
        gateway = Gateway(self.pin, self.index, TOOLS, limits=limits, audit=audit or self.kept.append)
        return Served(self.repo, self.pin, gateway, self.index, self.kept)


def make_repository(folder: Path) -> RepoBuilder:
    """Two commits on ``main``; the first is tagged ``first`` and to be pinned."""
    repo = RepoBuilder(folder / "brain.git")
    repo.tag("first", repo.commit(FILES))
    repo.commit(
        {
            "runbooks/refunds.md": markdown("Runbook", "runbook:refunds", "Do it otherwise: new-words.\n"),
            "notes/new.md": "# New\n\nWords of today.\n",
            "notes/legal/secret-plan.md": "# Plan\n\nChanged.\n",
        }
    )
    return repo


@contextmanager
def served(folder: Path, policy: EffectivePolicy | None = None, limits: Limits | None = None) -> Iterator[Served]:
    repo = make_repository(folder)
    brain = Brain(str(repo.path), settings=Settings(home=folder / "home", organization="acme", jobs=1))
    pin = pin_ref(brain, RefRequest(requested_ref="first"), policy or owner_policy(), Consumer())
    kept: list[ToolCall] = []
    with PinnedIndex(pin) as index:
        gateway = Gateway(
            pin, index, TOOLS, limits=limits or Limits(calls=10_000, total_bytes=1 << 30), audit=kept.append
        )
        yield Served(repo, pin, gateway, index, kept)
