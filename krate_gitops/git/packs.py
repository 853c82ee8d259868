"""Objects from one repository of this machine to another, and whether all that some of them stand on is there.

A fetch would do, but the serving side of it refuses repositories of other users, which may be read in place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from krate_gitops.git.command import GitFailedError, complaint_text, run_git, start_git

_CHUNK = 1 << 20


def copy_objects(
    source: Path,
    target: Path,
    wanted: Sequence[str],
    *,
    known: Iterable[str] = (),
    listen: Callable[[int], None] = lambda _: None,
) -> str | None:
    """Brings objects and all they stand on over, but for what the ``known`` commits of the source stand on.

    ``listen`` hears the bytes copied so far. The target takes all of it or nothing. ``None`` when it has; else what the
    two gits said.
    """
    lines = "".join(f"{line}\n" for line in (*wanted, *(f"^{oid}" for oid in known)))
    with (
        start_git(source, ["pack-objects", "--revs", "--stdout", "--delta-base-offset", "-q"]) as (ask, pack, refusals),
        start_git(target, ["index-pack", "--stdin", "--fix-thin"]) as (write, done, complaints),
    ):
        with contextlib.suppress(BrokenPipeError):
            ask.write(lines.encode())
            ask.close()
        copied = 0
        with contextlib.suppress(BrokenPipeError):
            while chunk := pack.read(_CHUNK):
                write.write(chunk)
                copied += len(chunk)
                listen(copied)
            write.close()
        if done.read():
            return None
        said = b""
        for file in (refusals, complaints):
            file.seek(0)
            said += file.read(_CHUNK) + b"\n"
        return complaint_text(said)


def held_commits(git_dir: Path, oids: Sequence[str]) -> list[str]:
    """Those of the ids that are commits of a repository; one child for all of them."""
    stdin = "".join(f"{oid}\n" for oid in oids).encode()
    answers = set(run_git(git_dir, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], stdin=stdin).splitlines())
    return [oid for oid in oids if f"{oid} commit".encode() in answers]


def is_complete(git_dir: Path, oids: Sequence[str]) -> bool:
    """Whether a repository has the objects and all they stand on; what its refs stand on is taken for granted."""
    stdin = "".join(f"{oid}\n" for oid in oids).encode()
    try:
        run_git(git_dir, ["rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"], stdin=stdin)
    except GitFailedError:
        return False
    return True
