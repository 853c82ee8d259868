"""What the owner of a memory repository allows: its ``AgentMemoryRepository``, as updates need it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.resources.kinds.memory import AgentMemoryRepositorySpec, UpdatePolicy
from krate_gitops.resources.manifest import Manifest, SourceFile
from krate_gitops.resources.parse import parse_file
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import breaches

_KIND = "AgentMemoryRepository"
_MAX_FILE_BYTES = 1 << 20
EXPIRES_AFTER_DAYS = 30


class RepositoryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """``default_branch`` None: the one HEAD names. ``memory_owners`` None: whoever may write here is one.

    ``name`` is that of the resource; empty where there is none, and the repository's own name counts.
    """

    name: str = ""
    default_branch: str | None = None
    access_mode: str = "ReadWrite"
    memory_owners: tuple[str, ...] | None = None
    updates: UpdatePolicy = UpdatePolicy()
    commit_indexes: bool = False
    provider: str | None = None
    repo_url: str | None = None


LOCAL = RepositoryPolicy()
"""A repository without a resource: its owner may do everything that a review doesn't forbid."""


def read_repository_policy(file: Path, *, organization: str) -> RepositoryPolicy:
    """The policy that an ``AgentMemoryRepository`` document in a file describes.

    Raises ``UsageError(INVALID_REQUEST)`` for a file that holds none or several, or one that doesn't fit its model, and
    ``DeniedError(CROSS_ORG_REF_DENIED)`` for one of another organisation; ``local`` stands for any.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _invalid(file, error.strerror or str(error)) from None
    if len(data) > _MAX_FILE_BYTES:
        raise _invalid(file, "it is larger than 1 MiB")
    found, issues = parse_file(SourceFile(file.name, data))
    if issues:
        raise _invalid(file, issues[0].message)
    ours = [one for one in found if one.kind == _KIND]
    if len(ours) != 1:
        raise _invalid(file, f"it holds {len(ours)} documents of kind {_KIND}, and one is needed")
    return _policy(file, ours[0], organization)


def _policy(file: Path, manifest: Manifest, organization: str) -> RepositoryPolicy:
    wrong = next(iter(breaches(manifest.spec, shape_of(AgentMemoryRepositorySpec), "spec")), None)
    if wrong is not None:
        raise _invalid(file, f"{wrong.code} {wrong.field} {wrong.message}")
    spec = msgspec.convert(manifest.spec, AgentMemoryRepositorySpec)
    if organization not in ("local", spec.organization_ref):
        raise DeniedError("CROSS_ORG_REF_DENIED", f"an {_KIND} belongs to another organization")
    return RepositoryPolicy(
        name=manifest.name,
        default_branch=spec.default_branch,
        access_mode=spec.access_mode,
        memory_owners=spec.memory_owners or None,
        updates=spec.update_policy,
        commit_indexes=spec.index_policy.commit_indexes,
        provider=spec.provider,
        repo_url=spec.repo_url,
    )


def _invalid(file: Path, why: str) -> UsageError:
    return UsageError(
        "INVALID_REQUEST", f"this is no {_KIND}: {why}", hint="`config validate` tells more", location=str(file)
    )
