"""``python -m tests.bench.build HOME GIT_DIR REF``: what ``brain index`` does, in a fresh process.

Time is taken from the moment the interpreter runs this module; ``work`` leaves out the imports that come first.
"""

from __future__ import annotations

import time

_STARTED = time.perf_counter()

import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402

import msgspec  # noqa: E402

from krate_gitops.git import refs  # noqa: E402
from krate_gitops.git.repository import open_repository  # noqa: E402
from krate_gitops.git.request import RefMode, RefRequest  # noqa: E402
from krate_gitops.index.build import Builder, Built  # noqa: E402
from krate_gitops.index.source import Target  # noqa: E402
from krate_gitops.settings import Settings  # noqa: E402


class Build(msgspec.Struct, frozen=True):
    """How an index was built. Seconds, but for ``duration_ms`` and ``phases``, the build's own report in milliseconds.

    ``work`` opens the repository, resolves the ref and builds.
    """

    work: float
    imports: float
    duration_ms: int
    phases: dict[str, int]
    shards: int
    built: int


def build_index(home: Path, git_dir: str, ref: str) -> Built:
    """An index under ``home``, complete when this returns."""
    settings = Settings(home=home)
    repository = open_repository(git_dir, settings=settings)
    # Changes to measure stand on branches of their own, which nobody has approved.
    request = RefRequest(requested_ref=ref, mode=RefMode.EXPLICIT_REF, require_approved_commit=False)
    resolution = refs.resolve(repository, request, now=datetime.now(UTC), settings=settings)
    return Builder(home).build(Target(repository, resolution.resolved_commit))


def main(arguments: Sequence[str]) -> None:
    imports = time.perf_counter() - _STARTED
    home, git_dir, ref = Path(arguments[0]), arguments[1], arguments[2]
    started = time.perf_counter()
    built = build_index(home, git_dir, ref)
    work = time.perf_counter() - started
    stats = built.stats
    report = Build(
        work=work,
        imports=imports,
        duration_ms=stats.duration_ms,
        phases=dict(stats.phases),
        shards=stats.total,
        built=stats.built,
    )
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
