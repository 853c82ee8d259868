"""A Git repository on this machine, and how to find the one a path lies in."""

from __future__ import annotations

from pathlib import Path

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import run_git

ID_LENGTHS = {"sha1": 40, "sha256": 64}
"""Hex digits of a full object id, by object format."""


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """Where to read. ``name`` is for people and holds no credentials; ``work_tree`` is ``None`` for a bare one.

    ``common_dir`` is where objects and refs lie: ``git_dir`` itself but for linked work trees.
    """

    git_dir: Path
    common_dir: Path
    name: str
    object_format: str
    work_tree: Path | None = None

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off when it was fetched."""
        return _has_content(self.common_dir / "shallow")

    @property
    def is_grafted(self) -> bool:
        """Whether parents of commits are overridden in a file that no clone would copy."""
        return _has_content(self.common_dir / "info" / "grafts")

    @property
    def is_partial(self) -> bool:
        """Whether objects were left out when it was fetched."""
        return any((self.common_dir / "objects" / "pack").glob("*.promisor"))

    def is_object_id(self, text: str) -> bool:
        """Whether the text is a full id in this repository's format, in lower case."""
        return len(text) == ID_LENGTHS[self.object_format] and not text.strip("0123456789abcdef")


def repository_at(git_dir: Path, *, name: str, work_tree: Path | None = None) -> Repository:
    """The repository whose ``HEAD``, ``objects`` and ``refs`` lie in ``git_dir``.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when git can't read it.
    """
    answer = run_git(git_dir, ["rev-parse", "--show-object-format", "--git-common-dir"])
    object_format, _, common_dir = answer.decode("utf-8", "surrogateescape").rstrip("\n").partition("\n")
    if object_format not in ID_LENGTHS:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE", f"{name} uses the unknown object format {object_format!r}"
        )
    return Repository(
        git_dir=git_dir,
        common_dir=git_dir / common_dir,
        name=name,
        object_format=object_format,
        work_tree=work_tree,
    )


def init_git_dir(
    git_dir: Path, *, is_bare: bool = True, default_branch: str = "main", object_format: str = "sha1"
) -> None:
    """Makes an empty repository without hooks or templates."""
    options = ["--template=", f"--initial-branch={default_branch}", f"--object-format={object_format}"]
    run_git(git_dir, ["init", "--quiet", *(["--bare"] if is_bare else []), *options])


def find_repository(path: Path) -> Repository:
    """The repository that ``path``, or the nearest folder above it, belongs to.

    Git itself isn't asked: it would refuse a folder of another user, and obey variables of the caller's environment.
    """
    start = path.resolve()
    for folder in (start, *start.parents):
        marker = folder / ".git"
        git_dir = _linked(marker) if marker.is_file() else marker
        if _is_git_dir(git_dir):
            return repository_at(git_dir, name=folder.name or "root", work_tree=folder)
        if _is_git_dir(folder):
            is_inside = folder.name == ".git"
            work_tree = folder.parent if is_inside else None
            return repository_at(folder, name=(work_tree or folder).name.removesuffix(".git"), work_tree=work_tree)
    raise UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{path} is not in a Git repository",
        hint="give a repository folder, a .bundle file, or a URL",
        location=str(path),
    )


def _is_git_dir(folder: Path) -> bool:
    if not (folder / "HEAD").is_file() and not (folder / "HEAD").is_symlink():
        return False
    return (folder / "commondir").is_file() or ((folder / "objects").is_dir() and (folder / "refs").is_dir())


def _linked(marker: Path) -> Path:
    """Where a ``.git`` file of a linked work tree or submodule points."""
    text = marker.read_bytes()[:8_192].decode("utf-8", "surrogateescape")
    target = text.removeprefix("gitdir:").strip() if text.startswith("gitdir:") else ""
    return (marker.parent / target).resolve() if target else marker


def _has_content(file: Path) -> bool:
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return False
    return any(line.strip() and not line.startswith(b"#") for line in lines)
