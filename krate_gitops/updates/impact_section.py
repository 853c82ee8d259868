"""The part of a pull request that tells what agents will be told differently."""

from __future__ import annotations

from krate_gitops.updates.desk import Desk
from krate_gitops.updates.model import AgentMemoryUpdate
from krate_gitops.updates.validation import Checked


def impact_section(desk: Desk, update: AgentMemoryUpdate, checked: Checked) -> str:
    """Markdown of a short table; empty where nothing changes."""
    return ""
