from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.demo.earlier import earlier
from krate_gitops.demo.example import example_brain
from krate_gitops.demo.play import shortened
from krate_gitops.demo.story import STORY
from krate_gitops.demo.world import World, build_world
from krate_gitops.git.command import run_git
from krate_gitops.memory.brain import Brain
from krate_gitops.settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("demo"))


def test_every_commit_of_the_main_branch_is_valid_without_a_remark(world: World, tmp_path: Path) -> None:
    brain = Brain(str(world.brain), settings=Settings(home=tmp_path, jobs=1))
    for commit in world.commits:
        manifest = brain.builder.build(brain.target(commit)).manifest
        assert (manifest.result, manifest.counts) == ("valid", {}), commit


def test_every_change_is_one_that_the_rules_of_change_allow(world: World, tmp_path: Path) -> None:
    from krate_gitops.index.validate import validate

    brain = Brain(str(world.brain), settings=Settings(home=tmp_path, jobs=1))
    for before, after in zip(world.commits, world.commits[1:], strict=False):
        report = validate(brain.builder, brain.target(after), base=brain.target(before)).report
        assert [(finding.code, finding.path) for finding in report.diagnostics] == [], after


def test_the_story_ends_with_the_example_brain(world: World) -> None:
    for path, content in example_brain().items():
        assert (world.brain / path).read_bytes() == content, path


def test_the_checkout_is_clean(world: World) -> None:
    assert run_git(world.brain / ".git", [f"--work-tree={world.brain}", "status", "--porcelain"]) == b""


def test_the_story_is_told_in_order() -> None:
    times = [chapter.time for chapter in STORY]
    assert times == sorted(set(times))


def test_an_edit_that_no_longer_fits_the_example_is_noticed() -> None:
    with pytest.raises(ValueError, match="no longer contains"):
        earlier(b"text", (("another", ""),))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(1, "a\n… 3 more lines"), (2, "a\nb\n… 2 more lines"), (3, "a\nb\nc\nd"), (4, "a\nb\nc\nd")],
)
def test_long_results_are_cut_and_the_rest_is_counted(lines: int, expected: str) -> None:
    assert shortened("a\nb\nc\nd\n", lines) == expected
