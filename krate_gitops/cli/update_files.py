"""Proposed changes as they lie on this machine: in a document, in a folder, in single files, in a checkout."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from krate_gitops.errors import UsageError

if TYPE_CHECKING:
    from krate_gitops.updates.desk import Desk
    from krate_gitops.updates.request import ProposedChange

DOCUMENTS = ("update.yaml", "update.yml", "update.json")
"""Names of the document in a folder; one without is a folder of files as they shall be."""
_KIND = "AgentMemoryUpdate"
_FIELDS = (
    "baseCommit",
    "changes",
    "evidence",
    "initiator",
    "memoryRepository",
    "observedCommit",
    "organizationRef",
    "proposer",
    "rationale",
    "sourceRun",
    "targetBranch",
    "updateKind",
    "validationPolicy",
)
_LONGEST_FILE = 64 * 1024 + 1
"""One byte more than a proposed file may have: the refusal is made where sizes are judged."""
_MOST_FILES = 50
_MOST_SEEN = 5000


class Written(NamedTuple):
    """A proposal as somebody wrote it down: fields of an update, and its changes."""

    fields: Mapping[str, Any]
    changes: tuple[ProposedChange, ...]


def read_source(source: str) -> Written:
    """What a ``--from`` argument means: a document (``-`` is standard input), or a folder.

    Raises ``UsageError(INVALID_REQUEST)``, and quotes nothing of contents; ``OSError``.
    """
    place = Path(source)
    if source == "-" or not place.is_dir():
        return _document(source, Path() if source == "-" else place.parent)
    named = [place / name for name in DOCUMENTS if (place / name).is_file()]
    if len(named) > 1:
        raise _refused(f"the folder holds {named[0].name} and {named[1].name}", source)
    return _document(str(named[0]), place) if named else Written({}, tuple(_folder(place)))


def _document(source: str, folder: Path) -> Written:
    from krate_gitops.cli.config_apply import documents
    from krate_gitops.updates.request import parse_changes

    found = documents(source)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise _refused("the document is one map with changes", source)
    body = _spec(found[0], source)
    unknown = sorted(str(key) for key in body.keys() - set(_FIELDS))
    if unknown:
        raise _refused(f"an update has no field {unknown[0][:80]!r}", source)
    items = body.get("changes")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise _refused("changes is a list of maps", source)
    contents: dict[str, bytes] = {}
    plain = [_with_content(dict(item), at, folder, contents) for at, item in enumerate(items[: _MOST_FILES + 1])]
    return Written(body, parse_changes(plain, contents))


def _spec(body: dict[str, Any], source: str) -> dict[str, Any]:
    if "kind" not in body and "spec" not in body:
        return body
    if body.get("kind") != _KIND or not isinstance(body.get("spec"), dict):
        raise _refused(f"the document is no {_KIND}", source)
    spec = dict(body["spec"])
    spec.pop("branchName", None)  # it follows from what is proposed
    return spec


def _with_content(item: dict[str, Any], at: int, folder: Path, contents: dict[str, bytes]) -> dict[str, Any]:
    """A change item whose ``contentFile`` was read."""
    name = item.pop("contentFile", None)
    if name is None:
        return item
    if not isinstance(name, str) or "content" in item or "contentRef" in item:
        raise _refused("contentFile is a path, and stands alone", f"changes[{at}]")
    ref = f"file:{at}"
    contents[ref] = read_below(folder, name)
    return {**item, "contentRef": ref}


def read_below(folder: Path, name: str) -> bytes:
    """A file below a folder. Raises ``UsageError(INVALID_REQUEST)`` for one outside it, behind a link, or no file."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", "") for part in parts) or "\0" in name:
        raise _refused("contentFile is a path below the folder of its document", name)
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            above, here = here, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(above)
        found = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    except OSError as error:
        raise _refused(f"the file can't be read: {error.strerror or error}", name) from None
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise _refused("that is no file", name)
    with open(found, "rb") as file:
        return file.read(_LONGEST_FILE)


def _folder(place: Path) -> Iterator[ProposedChange]:
    """Every file of a folder that isn't hidden, as one that is created or replaced."""
    from krate_gitops.updates.model import Action
    from krate_gitops.updates.request import ProposedChange

    names: list[str] = []
    seen = 0
    for folder, folders, files in os.walk(place):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        seen += len(folders) + len(files)
        links = [one for one in (*folders, *files) if os.path.islink(os.path.join(folder, one))]
        if links:
            raise _refused("links are not followed", str(Path(folder, links[0])))
        names += [str(Path(folder, one).relative_to(place)) for one in files if not one.startswith(".")]
        if len(names) > _MOST_FILES or seen > _MOST_SEEN:
            raise _refused(f"an update changes at most {_MOST_FILES} files, and the folder has more", str(place))
    for name in sorted(names):
        path = PurePosixPath(name).as_posix()
        yield ProposedChange(path=path, action=Action.UPSERT, content=read_below(place, path))


def put(assignment: str) -> ProposedChange:
    """``PATH=@FILE``: a file that is created or replaced; ``-`` is standard input."""
    from krate_gitops.updates.model import Action
    from krate_gitops.updates.request import ProposedChange

    path, sign, file = assignment.partition("=@")
    if not (path and sign and file):
        raise _refused("--put takes PATH=@FILE, or PATH=@- for standard input", assignment[:80])
    if file == "-":
        content = sys.stdin.buffer.read(_LONGEST_FILE)
    else:
        with open(file, "rb") as opened:
            content = opened.read(_LONGEST_FILE)
    return ProposedChange(path=path, action=Action.UPSERT, content=content)


def rename(assignment: str) -> ProposedChange:
    """``OLD=NEW``: a file at another place."""
    from krate_gitops.updates.model import Action
    from krate_gitops.updates.request import ProposedChange

    old, _, new = assignment.partition("=")
    if not (old and new):
        raise _refused("--rename takes OLD=NEW", assignment[:80])
    return ProposedChange(path=old, action=Action.RENAME, new_path=new)


def checkout_changes(desk: Desk, paths: Sequence[str]) -> tuple[str, tuple[ProposedChange, ...]]:
    """The commit a checkout stands at, and what its files below the memory root have that the commit has not.

    ``paths`` name files or folders, as seen from here or from the memory root; empty for all. Raises
    ``UsageError(INVALID_REQUEST)``: no work tree, no commit, a link, a path where nothing differs.
    """
    from krate_gitops.git.checkout import snapshot_checkout
    from krate_gitops.git.history import read_commit
    from krate_gitops.git.objects import ObjectReader
    from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, diff_trees
    from krate_gitops.updates.model import Action
    from krate_gitops.updates.request import ProposedChange

    brain = desk.brain
    scratch, now = brain.settings.home / "worktrees", int(desk.now.timestamp())
    with (
        snapshot_checkout(brain.repository, "", scratch=scratch, now=now) as snapshot,
        ObjectReader(snapshot.repository) as reader,
    ):
        parents = read_commit(reader, snapshot.commit).parents
        if not parents:
            raise _refused("the checkout has no commit yet, or only part of its history", brain.spec)
        head = parents[0]
        root = brain.read(head, lambda opened: opened.manifest.root)
        wanted = _wanted(brain.repository.work_tree, root, paths)
        changes = []
        for one in diff_trees(reader, head, snapshot.commit, root).changes:
            if not wanted(one.path):
                continue
            if one.new is not None and one.new.mode not in (FILE_MODE, EXECUTABLE_MODE):
                raise _refused("only plain files are proposed", one.path)
            action = Action.DELETE if one.new is None else Action.CREATE if one.old is None else Action.UPDATE
            content = None if one.new is None else reader.read(one.new.oid).data
            changes.append(ProposedChange(path=one.path, action=action, content=content))
    if not changes:
        raise _refused("nothing differs from the commit that is checked out", ", ".join(paths)[:200] or brain.spec)
    return head, tuple(changes)


def _wanted(work_tree: Path | None, root: str, paths: Sequence[str]) -> Any:
    """Whether a path below the memory root is one of some files, or in one of some folders."""
    top = Path(work_tree or ".").resolve() / root
    named: set[str] = set()
    for path in paths:
        # As the shell completes it, or as updates name it.
        place = Path(path).resolve()
        inside = place.relative_to(top).as_posix() if place.is_relative_to(top) and os.path.lexists(path) else None
        named.add((inside or path).rstrip("/") if inside != "." else "")
    return lambda path: not named or "" in named or any(path == one or path.startswith(f"{one}/") for one in named)


def _refused(message: str, location: str) -> UsageError:
    return UsageError(
        "INVALID_REQUEST", message, hint="`krate-gitops update propose --help` tells more", location=location
    )
