"""The open index: repaired under way, asked by many, closed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.git.request import RefRequest
from krate_gitops.index.shard import DamagedError
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.request import Consumer
from krate_gitops.server.mcp.index import PinnedIndex
from krate_gitops.server.mcp.pin import pin_ref
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder
from tests.unit.server.brain import Served


def test_a_job_that_finds_damage_is_done_again_once(owner: Served) -> None:
    seen: list[OpenIndex] = []

    def stumble(opened: OpenIndex) -> str:
        seen.append(opened)
        if len(seen) == 1:
            raise DamagedError("a bit has flipped")
        return opened.manifest.commit

    assert owner.index.submit(stumble).result(30) == owner.pin.commit
    assert seen[0] is not seen[1]
    assert owner.index.submit(lambda opened: opened).result(30) is seen[1]


def test_a_store_that_stays_damaged_fails_one_call_and_not_the_next(owner: Served) -> None:
    def fall(opened: OpenIndex) -> None:
        raise DamagedError("again and again")

    with pytest.raises(KrateError) as caught:
        owner.index.submit(fall).result(30)
    assert caught.value.code == "INDEX_STORE_DAMAGED"
    assert owner.index.submit(lambda opened: 1).result(30) == 1


def test_an_error_of_a_job_is_its_own(owner: Served) -> None:
    with pytest.raises(ZeroDivisionError):
        owner.index.submit(lambda opened: 1 // 0).result(30)
    assert owner.index.submit(lambda opened: 2).result(30) == 2


def test_what_is_no_brain_is_known_before_anybody_asks(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "plain.git")
    repo.commit({"README.md": "# Not a brain\n"})
    brain = Brain(str(repo.path), settings=Settings(home=tmp_path / "home", jobs=1))
    with pytest.raises(KrateError) as caught, PinnedIndex(pin_ref(brain, RefRequest(), owner_policy(), Consumer())):
        raise AssertionError("it was opened")
    assert caught.value.code == "MEMORY_LAYOUT_INVALID"
