"""Repositories for tests, built object by object.

Nothing here uses the code under test, nor any Git library: objects are written as Git's format says, so that hostile
trees, odd dates and broken names are as easy to make as honest ones.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE, EXECUTABLE, SYMLINK, SUBMODULE, FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000

Content = str | bytes | tuple[int, str | bytes] | None
"""Text or bytes; ``(mode, content)`` for another mode (a submodule's content is its commit id); ``None`` deletes."""

FIRST_COMMIT_TIME = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


class RepoBuilder:
    """Makes commits from dictionaries.

    >>> repo = RepoBuilder(tmp_path / "brain")
    >>> oid = repo.commit({"notes/a.md": "text"}, at=datetime(2026, 5, 1, tzinfo=UTC))

    Every ``commit`` continues from the branch's tip (or from ``parents[0]``) and changes only the files named. Without
    ``at`` each commit is one minute after the one made before it; the first is 2026-01-01T00:00:00Z.
    """

    def __init__(
        self,
        path: Path,
        *,
        bare: bool = True,
        default_branch: str = "main",
        object_format: str = "sha1",
    ) -> None:
        self.path = path
        self.git_dir = path if bare else path / ".git"
        self.object_format = object_format
        self.default_branch = default_branch
        self._files: dict[str, dict[str, tuple[int, str]]] = {}
        self._written: set[str] = set()
        self._clock = FIRST_COMMIT_TIME - 60
        options = ["--bare"] if bare else []
        if (self.git_dir / "HEAD").exists():
            return  # it goes on with what is there
        git(
            None,
            "init", "-q", *options, f"--initial-branch={default_branch}", f"--object-format={object_format}", str(path),
        )  # fmt: skip

    # Commits, branches and tags

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        at: datetime | int | None = None,
        author_at: datetime | int | None = None,
        message: str = "change",
        branch: str = "main",
        parents: Sequence[str] | None = None,
        author: str = "A Tester <tester@example.com>",
        timezone: str = "+0000",
        extra_headers: bytes = b"",
    ) -> str:
        """A commit on ``branch`` (created when absent); its object id. ``parents=[]`` makes a root commit."""
        if parents is None:
            tip = self.tip(branch)
            parents = [tip] if tip else []
        state = self.files(parents[0]) if parents else {}
        for path, content in files.items():
            self._change(state, path, content)
        oid = self.raw_commit(
            self._write_tree(state),
            parents=parents, at=at, author_at=author_at, message=message, author=author, timezone=timezone,
            extra_headers=extra_headers,
        )  # fmt: skip
        self._files[oid] = state
        self.branch(branch, oid)
        return oid

    def raw_commit(
        self,
        tree: str,
        *,
        parents: Sequence[str] = (),
        at: datetime | int | None = None,
        author_at: datetime | int | None = None,
        message: str = "change",
        author: str = "A Tester <tester@example.com>",
        timezone: str = "+0000",
        extra_headers: bytes = b"",
    ) -> str:
        """A commit object of any tree, on no branch."""
        self._clock = self._clock + 60 if at is None else _seconds(at)
        written = self._clock if author_at is None else _seconds(author_at)
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author} {written} {timezone}", f"committer {author} {self._clock} {timezone}"]
        head = "\n".join(lines).encode() + b"\n" + extra_headers
        return self.write_object("commit", head + b"\n" + message.encode() + b"\n")

    def merge(self, other: str, files: Mapping[str, Content] | None = None, *, branch: str = "main", **how: Any) -> str:
        """A merge of ``other`` into ``branch``: what it changed since they parted is taken, then ``files`` changed."""
        tip = self.tip(branch)
        assert tip is not None
        bases = git(self.git_dir, "merge-base", tip, other, answers=(0, 1)).decode().split()
        base, theirs = self.files(bases[0]) if bases else {}, self.files(other)
        changes: dict[str, Content] = {path: None for path in base if path not in theirs}
        for path, (mode, oid) in theirs.items():
            if base.get(path) != (mode, oid):
                changes[path] = (mode, _Oid(oid))
        return self.commit(changes | dict(files or {}), branch=branch, parents=[tip, other], **how)

    def branch(self, name: str, oid: str) -> None:
        """Creates or moves a branch."""
        self.ref(f"refs/heads/{name}", oid)

    def tag(self, name: str, oid: str, *, message: str | None = None, kind: str = "commit", at: int = 0) -> str:
        """A tag: annotated when a message is given. Returns what the ref points at."""
        if message is not None:
            short = name.rsplit("/", 1)[-1]
            body = f"object {oid}\ntype {kind}\ntag {short}\ntagger A <a@example.com> {at} +0000\n\n{message}\n"
            oid = self.write_object("tag", body.encode())
        self.ref(f"refs/tags/{name}", oid)
        return oid

    def ref(self, name: str, oid: str | None) -> None:
        """Writes a loose ref of any full name, valid or not; ``None`` deletes it."""
        path = self.git_dir / name
        if oid is None:
            path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{oid}\n")

    def tip(self, branch: str = "main") -> str | None:
        path = self.git_dir / "refs" / "heads" / branch
        if path.exists():
            return path.read_text().strip()
        packed = self.git_dir / "packed-refs"
        lines = packed.read_text().splitlines() if packed.exists() else []
        return next((line.split()[0] for line in lines if line.endswith(f" refs/heads/{branch}")), None)

    def files(self, commit: str) -> dict[str, tuple[int, str]]:
        """Mode and object id of every path of a commit."""
        if commit not in self._files:
            listed = git(self.git_dir, "ls-tree", "-r", "-z", "--full-tree", commit).decode().split("\0")[:-1]
            heads = [(line.split("\t", 1)[1], line.split()) for line in listed]
            self._files[commit] = {path: (int(head[0], 8), head[2]) for path, head in heads}
        return dict(self._files[commit])

    # Objects

    def blob(self, content: str | bytes) -> str:
        return self.write_object("blob", content.encode() if isinstance(content, str) else content)

    def raw_tree(self, entries: Iterable[tuple[int, str | bytes, str]], *, in_order: bool = True) -> str:
        """A tree of ``(mode, name, oid)`` with names Git would refuse; ``in_order=False`` keeps the given order."""
        items = [(mode, name.encode() if isinstance(name, str) else name, oid) for mode, name, oid in entries]
        if in_order:
            items.sort(key=lambda item: item[1] + b"/" if item[0] == FOLDER else item[1])
        return self.write_object("tree", b"".join(b"%o %s\0" % (m, n) + bytes.fromhex(o) for m, n, o in items))

    def write_object(self, kind: str, body: bytes) -> str:
        """A loose object; its id."""
        whole = f"{kind} {len(body)}\0".encode() + body
        oid = hashlib.new(self.object_format, whole).hexdigest()
        if oid not in self._written:
            path = self.git_dir / "objects" / oid[:2] / oid[2:]
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(zlib.compress(whole, 1))
            self._written.add(oid)
        return oid

    # Whole repositories

    def linear_history(self, count: int, *, step: int = 60, branch: str = "main") -> str:
        """Many commits that change one small file, by ``git fast-import``; the tip."""
        tip = self.tip(branch)
        lines = []
        for number in range(count):
            self._clock += step
            body = f"{number}\n"
            lines.append(f"commit refs/heads/{branch}\ncommitter A <a@example.com> {self._clock} +0000\ndata 0\n")
            if number == 0 and tip:
                lines.append(f"from {tip}\n")
            lines.append(f"M 100644 inline counter.txt\ndata {len(body)}\n{body}")
        git(self.git_dir, "fast-import", "--quiet", "--done", stdin=("".join(lines) + "done\n").encode())
        return git(self.git_dir, "rev-parse", f"refs/heads/{branch}").decode().strip()

    def repack(self) -> None:
        """Everything into one pack, refs packed too."""
        git(self.git_dir, "repack", "-adq")
        git(self.git_dir, "pack-refs", "--all", "--prune")

    def bundle(self, path: Path) -> Path:
        git(self.git_dir, "bundle", "create", "-q", str(path), "--all")
        return path

    def checkout(self) -> None:
        """Fills the work tree of a repository made with ``bare=False``."""
        git(self.git_dir, "--work-tree", str(self.path), "reset", "-q", "--hard")

    def _change(self, state: dict[str, tuple[int, str]], path: str, content: Content) -> None:
        if content is None:
            state.pop(path, None)
            for inner in [name for name in state if name.startswith(path + "/")]:
                del state[inner]
            return
        mode, body = content if isinstance(content, tuple) else (FILE, content)
        if mode == SUBMODULE:
            body = _Oid(body if isinstance(body, str) else body.decode())
        state[path] = (mode, body if isinstance(body, _Oid) else self.blob(body))

    def _write_tree(self, files: Mapping[str, tuple[int, str]]) -> str:
        entries: list[tuple[int, str | bytes, str]] = []
        folders: dict[str, dict[str, tuple[int, str]]] = {}
        for path, (mode, oid) in files.items():
            first, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(first, {})[rest] = (mode, oid)
            else:
                entries.append((mode, first, oid))
        entries.extend((FOLDER, name, self._write_tree(inner)) for name, inner in folders.items())
        return self.raw_tree(entries)


class _Oid(str):
    """An object id in the place of a content: the object exists already."""


def git(
    git_dir: Path | None,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    answers: Sequence[int] = (0,),
) -> bytes:
    """Plain git for tests, without the user's configuration; its output. Other exit statuses fail the test."""
    command = ["git", *(["--git-dir", str(git_dir)] if git_dir else []), *arguments]
    identity = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com"}
    identity |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in identity.items()}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clean |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C", **identity, **(env or {})}
    done = subprocess.run(command, input=stdin, env=clean, capture_output=True, check=False)
    assert done.returncode in answers, f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def _seconds(at: datetime | int) -> int:
    return int(at.timestamp()) if isinstance(at, datetime) else at
