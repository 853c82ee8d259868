"""The manifest of a run's artifacts: what there was, not what was in it."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.model import ArtifactRetention, ManifestScope
from krate_gitops.updates.imports.scrub import Scrub

_KINDS = {
    "json": "data", "yaml": "data", "yml": "data", "csv": "data", "xml": "data", "md": "document", "txt": "document",
    "html": "document", "pdf": "document", "log": "log", "png": "image", "jpg": "image", "jpeg": "image",
    "svg": "image", "gif": "image", "webp": "image", "zip": "archive", "gz": "archive", "tar": "archive",
    "patch": "patch", "diff": "patch",
}  # fmt: skip


class Artifact(msgspec.Struct, frozen=True, order=True):
    """A file among a run's artifacts. ``size`` is in bytes, ``place`` its path in the run's workspace."""

    path: str
    size: int
    digest: str
    place: str

    @property
    def id(self) -> str:
        """The external id that names it by its digest."""
        return "artifact:" + self.digest.replace(":", "-")


def manifest(
    artifacts: list[Artifact],
    *,
    run_id: str,
    organization: str,
    retention: ArtifactRetention,
    scope: ManifestScope,
    scrub: Scrub,
    account: Account,
) -> dict[str, Any]:
    """The manifest as a value. ``digest-only`` names no artifact and says nothing of where it is stored.

    Nothing is stored anywhere else by importing: an artifact is where the run left it, for as long as it is there.
    """
    items = []
    for one in sorted(artifacts):
        item: dict[str, Any] = {"kind": kind_of(one.path), "bytes": one.size, "digest": one.digest}
        if scope is ManifestScope.FULL:
            name = scrub.line(one.path, account, most=160)
            item = {"name": name, **item, "storageRef": scrub.line(one.place, account, most=300)}
        items.append({**item, "retained": False, "expiresAt": None})
    return {
        "schemaVersion": 1,
        "runId": run_id,
        "organization": f"org:{organization}",
        "mode": retention.value,
        "artifacts": items,
    }


def kind_of(path: str) -> str:
    """A word for what an artifact is, from its name."""
    name = path.rpartition("/")[2].lower()
    if "report" in name and "test" in name:
        return "test-report"
    return _KINDS.get(name.rpartition(".")[2], "file")
