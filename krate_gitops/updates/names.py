"""Names and digests of updates: what makes two of them the same, and the branches they live on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from krate_gitops.digest import json_digest
from krate_gitops.updates.model import ChangeItem, Proposer, UpdateKind

PREFIX = "krate/"
"""Only this program pushes below it."""

_ODD = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 63


def diff_digest(changes: Sequence[ChangeItem]) -> str:
    """Digest of what is changed, and from which versions; neither reasons nor the place of contents take part."""
    items = [
        {
            "path": one.path,
            "action": one.action.value,
            "newPath": one.new_path,
            "baseDigest": one.base_digest,
            "contentDigest": one.content_digest,
        }
        for one in sorted(changes, key=lambda one: one.path)
    ]
    return json_digest(items)


def idempotency_key(
    organization: str, repository: str, source_run: str | None, proposer: Proposer, digest: str, branch: str
) -> str:
    """The same change of the same run, or of the same person, is the same update."""
    who = {"sourceRun": source_run} if source_run else {"proposer": f"{proposer.kind}/{proposer.name}"}
    return json_digest(
        {
            "organizationRef": organization,
            "memoryRepository": repository,
            "diffDigest": digest,
            "targetBranch": branch,
            **who,
        }
    )


def update_name(key: str, attempt: int) -> str:
    """``amu-`` and 12 digits. ``attempt`` counts from 0: what was turned down may be proposed again."""
    return f"amu-{json_digest({'key': key, 'attempt': attempt})[7:19]}"


def branch_of(kind: UpdateKind, proposer: Proposer, *, source_run: str | None, name: str, ordinal: int) -> str:
    """The branch of an update, by its purpose. ``ordinal`` counts from 1 those that would be called the same."""
    if source_run and source_run.startswith("import-") and proposer.kind == "Controller":
        return _branch("memory-import", source_run.removeprefix("import-"), ordinal)
    if kind is UpdateKind.REVERT:
        return _branch("memory-revert", name, ordinal)
    if source_run:
        return _branch("agent-memory", source_run, ordinal)
    return _branch("memory-edit", name, ordinal)


def _branch(purpose: str, text: str, ordinal: int) -> str:
    suffix = f"-{ordinal}" if ordinal > 1 else ""
    return f"{PREFIX}{purpose}/{component(text, _LONGEST - len(suffix))}{suffix}"


def component(text: str, longest: int = _LONGEST) -> str:
    """A text as one part of a branch's name: lower case, other characters as dashes."""
    plain = _ODD.sub("-", text.lower())
    while ".." in plain:
        plain = plain.replace("..", ".")
    cut = plain.lstrip("._-")[:longest].rstrip(".")
    while cut.endswith(".lock"):
        cut = cut.removesuffix(".lock").rstrip(".")
    return cut or "x"
