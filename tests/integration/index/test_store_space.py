"""A store that can't be written: read-only, full, out of reach."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.index import segment
from krate_gitops.index.build import Builder
from krate_gitops.index.verify import verify_store
from tests.integration.index.brains import Brain, answers, answers_or_code


class Disk:
    """A file system of its own, mounted in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> bool:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], capture_output=True, check=False
        )
        return done.returncode == 0

    def change(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True, capture_output=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = Disk(folder)
    if not mounted.mount("size=64m"):
        pytest.skip("only root may mount a file system")
    try:
        yield mounted
    finally:
        mounted.unmount()


def test_a_read_only_store_serves_what_it_holds(disk: Disk, brain: Brain, expected: list[Any]) -> None:
    answers(Builder(disk.folder, jobs=1), brain.first)
    disk.change("ro")
    builder = Builder(disk.folder, jobs=1)
    assert answers(builder, brain.first) == expected[0]
    with pytest.raises(UnavailableError) as caught:
        answers(builder, brain.second)
    assert caught.value.code == "INDEX_STORE_UNAVAILABLE"


def test_an_empty_read_only_store_is_a_clear_error(disk: Disk, brain: Brain) -> None:
    disk.change("ro")
    with pytest.raises(UnavailableError) as caught:
        answers(Builder(disk.folder, jobs=1), brain.first)
    assert caught.value.code == "INDEX_STORE_UNAVAILABLE"
    assert "read-only" in caught.value.message.lower()


def test_a_damaged_read_only_store_is_a_clear_error(disk: Disk, brain: Brain) -> None:
    builder = Builder(disk.folder, jobs=1)
    answers(builder, brain.first)
    for path in builder.store.root.rglob("postings"):
        path.write_bytes(b"")
    disk.change("ro")
    with pytest.raises(UnavailableError):
        answers(Builder(disk.folder, jobs=1), brain.first)


@pytest.mark.parametrize("size", [4, 32, 64, 128, 256, 384])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_a_clear_error_and_room_mends_it(
    size: int, jobs: int, disk: Disk, brain: Brain, expected: list[Any]
) -> None:
    disk.unmount()
    assert disk.mount(f"size={size}k")
    builder = Builder(disk.folder, jobs=jobs)
    found = [answers_or_code(builder, target) for target in (brain.first, brain.second)]
    assert "INDEX_STORE_UNAVAILABLE" in found
    assert all(answer in (right, "INDEX_STORE_UNAVAILABLE") for answer, right in zip(found, expected, strict=True))
    disk.change("size=64m")
    assert answers(builder, brain.first) == expected[0]
    assert answers(builder, brain.second) == expected[1]
    assert verify_store(builder.store).is_sound


def test_no_inodes_left_is_a_full_disk(disk: Disk, brain: Brain) -> None:
    disk.unmount()
    assert disk.mount("nr_inodes=20")
    with pytest.raises(UnavailableError) as caught:
        answers(Builder(disk.folder, jobs=1), brain.first)
    assert caught.value.code == "INDEX_STORE_UNAVAILABLE"


def test_a_full_memory_folder_is_no_obstacle_to_the_engine(
    disk: Disk, brain: Brain, expected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.unmount()
    assert disk.mount("size=4k")
    monkeypatch.setattr(segment, "_memory_folder", lambda: str(disk.folder))
    assert answers(Builder(tmp_path / "home", jobs=1), brain.first) == expected[0]


@pytest.mark.parametrize("failing", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("after", [0, 1, 5, 20])
def test_a_failing_write_leaves_nothing_that_is_served(
    failing: int, after: int, brain: Brain, expected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = Path.write_bytes, 0

    def fail(path: Path, data: bytes) -> int:
        nonlocal written
        written += 1
        if written > after:
            write(path, data[: len(data) // 2])
            raise OSError(failing, os.strerror(failing))
        return write(path, data)

    builder = Builder(tmp_path / "home", jobs=1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(UnavailableError) as caught:
            answers(builder, brain.first)
    assert caught.value.code == "INDEX_STORE_UNAVAILABLE"
    assert list((builder.store.root / "tmp").iterdir()) == []
    assert answers(builder, brain.first) == expected[0]
    assert verify_store(builder.store).is_sound
