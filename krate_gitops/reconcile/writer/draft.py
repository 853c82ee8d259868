"""A change worked out on one commit: files, objects and diagnostics, all in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import DEFAULT_ROOT, REQUIRED_ENTRIES
from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import not_found
from krate_gitops.git.names import escape_name
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, file_oid, list_tree, tree_oid
from krate_gitops.reconcile.writer.digests import digest_of
from krate_gitops.reconcile.writer.objects import ObjectChange, compare
from krate_gitops.reconcile.writer.overlay import Overlay
from krate_gitops.reconcile.writer.ports import AccessReview, OwnerAccess
from krate_gitops.reconcile.writer.reach import Reach
from krate_gitops.reconcile.writer.request import WriteRequest
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.reconcile.writer.validation import validated
from krate_gitops.resources.load import INCLUDE, MAX_FILE_BYTES, Loaded, load_commit
from krate_gitops.resources.validate import Diagnostic

_OWNER = OwnerAccess()
_is_manifest = compile_globs(INCLUDE)


class Draft(NamedTuple):
    """``files`` are by path in the repository, ``None`` for those that go; ``seen`` is a digest, for each change, of
    what it takes the place of.
    """

    base_commit: str
    files: Mapping[str, bytes | None]
    before: Mapping[str, bytes]
    objects: list[ObjectChange]
    diagnostics: list[Diagnostic]
    seen: tuple[str, ...]
    base: Loaded
    result: Loaded


def draft(
    request: WriteRequest, repository: Repository, commit: str, *, now: int, access: AccessReview = _OWNER
) -> Draft:
    """The change on a commit, validated whole. ``now`` in seconds.

    Whoever may not make it learns nothing of what validation finds. Raises ``DeniedError(POLICY_DENIED)`` for them and
    for a company brain, what ``Overlay.make`` raises, and ``InvalidResultError``.
    """
    target = request.target
    _refuse_brain(repository, commit, target)
    base = _loaded(repository, commit, target)

    def earlier(revision: str, path: str) -> dict[str, bytes]:
        return files_at(repository, revision, target.path, path)

    overlay = Overlay(base, target, earlier)
    seen = tuple(digest_of(overlay.make(change)) for change in request.changes)
    changed = overlay.changed
    result = overlay.loaded()
    objects = compare(base.manifests, result.manifests)
    access.review(request, objects)
    diagnostics = validated(base, result, objects, target, now=now, draft=request.draft) if changed else []
    prefix = f"{target.path}/" if target.path else ""
    return Draft(
        base_commit=commit,
        files={prefix + path: data for path, data in changed.items()},
        before={prefix + path: base.files[path].data for path in changed if path in base.files},
        objects=objects,
        diagnostics=diagnostics,
        seen=seen,
        base=base,
        result=result,
    )


def files_at(repository: Repository, commit: str, folder: str, path: str) -> dict[str, bytes]:
    """Contents of the plain files at or below ``path``, which is relative to ``folder``, at a commit.

    Raises ``UnavailableError(MEMORY_REF_NOT_FOUND)`` where there is no such commit, ``KrateError(KR706)`` for a file
    that is too large.
    """
    if not holds(repository, commit):
        raise not_found(repository, commit)
    full = "/".join(name for name in (folder, path) if name)
    with ObjectReader(repository) as reader:
        single = file_oid(reader, commit, full) if path else None
        if single is not None:
            wanted = {path: single}
        elif tree_oid(reader, commit, full) is not None:
            start = f"{path}/" if path else ""
            listed = list_tree(reader, commit, full).entries
            wanted = {start + one.path: one.oid for one in listed if one.mode in (FILE_MODE, EXECUTABLE_MODE)}
        else:
            wanted = {}
        found = {}
        for name, (_, _, size, data) in zip(
            wanted, reader.stream(list(wanted.values()), max_bytes=MAX_FILE_BYTES), strict=True
        ):
            if data is None and _is_manifest(name):
                raise KrateError(
                    "KR706", f"a file has at most {MAX_FILE_BYTES} bytes, this one {size}", location=escape_name(name)
                )
            if data is not None:
                found[name] = data
        return found


def _loaded(repository: Repository, commit: str, target: SourceTarget) -> Loaded:
    """The source's files; a folder that isn't there yet is empty."""
    with ObjectReader(repository) as reader:
        if tree_oid(reader, commit, target.path) is None:
            return Loaded([], [], {})
    return Reach(target).of(load_commit(repository, commit, target.path))


def _refuse_brain(repository: Repository, commit: str, target: SourceTarget) -> None:
    with ObjectReader(repository) as reader:
        is_brain = tree_oid(reader, commit, DEFAULT_ROOT) is not None or all(
            file_oid(reader, commit, entry) is not None for entry in REQUIRED_ENTRIES
        )
    if is_brain:
        raise DeniedError(
            "POLICY_DENIED",
            "KR805 this is the repository of a company brain, which has a review of its own",
            hint="keep config in another repository",
            location=target.name,
        )
