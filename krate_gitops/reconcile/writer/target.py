"""Where a change goes: the repository, branch and folder of a source, and what its owner allows there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.git.lookup import find_default_branch
from krate_gitops.git.remotes import is_url
from krate_gitops.git.repository import open_repository
from krate_gitops.reconcile.source import own_namespace, source_documents, the_one
from krate_gitops.resources.kinds.gitops import GitOpsSourceSpec, WritePolicy
from krate_gitops.resources.load import INCLUDE
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import breaches
from krate_gitops.settings import Settings

LOCAL = "local"
"""What the settings say when no organization was named."""


class SourceTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A config source as the writer sees it.

    ``organization`` None: a platform source. ``owner`` is whose records the change belongs to. ``location`` is the path
    or URL that is opened, ``path`` the folder in the repository, empty for its top, ``branch`` a short name.
    ``foreign_paths`` are folders of the repository that other sources read. ``any_mode`` lets the caller choose how the
    change gets into the branch; else the mode that the source's owner wrote down is the only one.
    """

    name: str
    uid: str
    organization: str | None
    owner: str
    location: str
    branch: str
    path: str = ""
    include: tuple[str, ...] = INCLUDE
    exclude: tuple[str, ...] = ()
    allowed_kinds: tuple[str, ...] | None = None
    write_mode: Literal["pull-request", "direct", "disabled"] = "pull-request"
    branch_prefix: str = WritePolicy().branch_prefix
    reviewers: tuple[str, ...] = ()
    foreign_paths: tuple[str, ...] = ()
    any_mode: bool = False


def target_of_source(manifest: Manifest, *, location: str | None = None) -> SourceTarget:
    """The target that a ``GitOpsSource`` describes, whose spec fits its model; ``location`` replaces its address.

    Raises ``UsageError(INVALID_REQUEST)`` for a source of a tag or commit, and for what is no such document.
    """
    wrong = next(iter(breaches(manifest.spec, shape_of(GitOpsSourceSpec), "spec")), None)
    if wrong is not None:
        raise UsageError(
            "INVALID_REQUEST",
            f"this is no valid GitOpsSource: {wrong.code} {wrong.field} {wrong.message}",
            hint=wrong.hint or "run `config validate` on it",
            location=manifest.path,
        )
    spec = msgspec.convert(manifest.spec, GitOpsSourceSpec)
    revision = spec.source.target_revision
    if revision.startswith("refs/") and not revision.startswith("refs/heads/"):
        raise UsageError(
            "INVALID_REQUEST", "the source follows no branch, so nothing can be written", hint="name its target branch"
        )
    policy, is_platform = spec.write_policy, spec.scope == "platform"
    namespace = manifest.metadata.get("namespace") or own_namespace(spec)
    return SourceTarget(
        name=manifest.name,
        uid=str(manifest.metadata.get("uid") or f"{namespace}/{manifest.name}"),
        organization=None if is_platform else spec.organization_ref,
        owner="platform" if is_platform else spec.organization_ref or LOCAL,
        location=location or spec.source.repo_url,
        branch=revision.removeprefix("refs/heads/"),
        path=_folder(spec.source.path),
        include=spec.source.include,
        exclude=spec.source.exclude,
        allowed_kinds=spec.allowed_kinds,
        write_mode=policy.mode,
        branch_prefix=policy.branch_prefix,
        reviewers=policy.reviewers,
    )


def read_source(file: Path, *, organization: str, location: str | None = None) -> SourceTarget:
    """The target of the ``GitOpsSource`` document in a file; of several the one of ``organization`` (``local``: any).

    Raises what ``source_documents`` and ``target_of_source`` raise, ``UsageError(SOURCE_INVALID)`` where it isn't clear
    which is meant, and ``DeniedError(CROSS_ORG_REF_DENIED)`` for a source of another organization.
    """
    sources = source_documents(file)
    if len(sources) > 1 and organization != LOCAL:
        sources = [one for one in sources if one.spec.get("organizationRef") == organization]
    target = target_of_source(the_one(sources, file), location=location)
    if organization not in (LOCAL, target.owner):
        raise DeniedError("CROSS_ORG_REF_DENIED", "a GitOpsSource belongs to another organization")
    return target


def target_of_repository(
    spec: str, *, organization: str, path: str, branch: str | None, settings: Settings
) -> SourceTarget:
    """The target that a REPO argument means: a repository, or a folder in a checkout.

    Raises what ``open_repository`` raises, and ``UsageError(INVALID_REQUEST)`` for a ``path`` that leads elsewhere.
    """
    # The writer itself brings a mirror up to date; here only the name of the branch is asked for.
    repository = open_repository(spec, settings=settings, refresh=False)
    folder = Path(spec).expanduser()
    start: tuple[str, ...] = ()
    is_local = folder.exists()
    location = spec
    if is_local and folder.is_dir() and repository.work_tree is not None:
        top, here = repository.work_tree.resolve(), folder.resolve()
        start = here.relative_to(top).parts if here.is_relative_to(top) else ()
        location = str(top)
    full = _folder("/".join([*start, path]))
    identity = location if is_url(spec) and not is_local else str(folder.resolve() if not start else location)
    chosen = branch or find_default_branch(repository)
    key = hashlib.sha256("\0".join((identity, full, organization)).encode("utf-8", "surrogateescape")).hexdigest()
    return SourceTarget(
        name=repository.name,
        uid=f"local:{key[:32]}",
        organization=None if organization == LOCAL else organization,
        owner=organization,
        location=location,
        branch=chosen.removeprefix("refs/heads/"),
        path=full,
        any_mode=True,
    )


def _folder(path: str) -> str:
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or ".." in names:
        raise UsageError(
            "INVALID_REQUEST", "the folder of a source is a relative path without ..", hint="count from the top"
        )
    return "/".join(names)
