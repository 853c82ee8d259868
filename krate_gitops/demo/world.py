"""Writes the demo's world into a folder: a brain with a history, a config repository, and a configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from krate_gitops.demo.config_repo import build_config_repo
from krate_gitops.demo.diary import diary
from krate_gitops.demo.earlier import earlier
from krate_gitops.demo.example import example_brain
from krate_gitops.demo.lessons import write_lessons
from krate_gitops.demo.policy import POLICY, POLICY_TEXT
from krate_gitops.demo.story import (
    AUDIT_CHAPTER,
    AUDIT_TAG,
    DANA,
    PROPOSAL,
    PROPOSAL_BRANCH,
    PROPOSAL_TEXT,
    PROPOSAL_TIME,
    RAVI,
    STORY,
)
from krate_gitops.errors import UsageError
from krate_gitops.git.checkout import fill_work_tree
from krate_gitops.git.command import run_git
from krate_gitops.git.commits import init_repository, write_commit

BRAIN = "company-brain"
CONFIG_TIME = "2026-06-10T10:00:00Z"
_CONFIG = f"""# What the demo runs with: nothing outside this folder is read or written.
home = "home"

[repositories.acme]
location = "{BRAIN}"
"""


class World(msgspec.Struct, frozen=True):
    """Where everything lies, and the commits of the main branch, oldest first.

    ``lesson`` is the proposal of an agent, ``leak`` a note that holds a credential, ``run`` the workspace of a finished
    run.
    """

    folder: Path
    brain: Path
    config: Path
    policy: Path
    commits: tuple[str, ...]
    lesson: Path
    leak: Path
    run: Path


def build_world(folder: Path) -> World:
    """Makes the world in ``folder``, which is created or must be empty.

    The same program makes the same commits everywhere. Raises ``UsageError(INVALID_REQUEST)``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "INVALID_REQUEST",
            f"{folder} is there already and not an empty folder",
            hint="name a new folder, or none: then a temporary one is made",
            location=str(folder),
        )
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    config.write_text(_CONFIG, encoding="utf-8")
    policy = folder / POLICY
    policy.write_text(POLICY_TEXT, encoding="utf-8")
    brain = folder / BRAIN
    repository = init_repository(brain)
    git_dir = repository.git_dir
    commits = _write_story(git_dir)
    _tag(git_dir, commits[AUDIT_CHAPTER])
    write_commit(
        git_dir,
        {PROPOSAL: PROPOSAL_TEXT.encode()},
        parents=commits[-1:],
        message="Runbook: fallback rates",
        author=RAVI,
        time=_instant(PROPOSAL_TIME),
        branch=PROPOSAL_BRANCH,
    )
    fill_work_tree(repository)
    build_config_repo(folder, time=_instant(CONFIG_TIME))
    lesson, leak, run = write_lessons(folder)
    return World(folder, brain, config, policy, tuple(commits), lesson, leak, run)


def _write_story(git_dir: Path) -> list[str]:
    present = example_brain()
    commits: list[str] = []
    for chapter in STORY:
        files = {path: present[path] for path in chapter.paths}
        files |= {path: earlier(present[path], edits) for path, edits in chapter.older.items()}
        files |= diary() if chapter.with_diary else {}
        commit = write_commit(
            git_dir,
            files,
            parents=commits[-1:],
            message=chapter.message,
            author=chapter.author,
            time=_instant(chapter.time),
            branch="main",
        )
        commits.append(commit)
    return commits


def _tag(git_dir: Path, commit: str) -> None:
    """An annotated tag, as people make them."""
    time = int(_instant("2026-04-01T08:00:00Z").timestamp())
    text = (
        f"object {commit}\ntype commit\ntag {AUDIT_TAG}\ntagger {DANA} {time} +0000\n\n"
        "What the auditors saw for the first quarter of 2026\n"
    )
    tag = run_git(git_dir, ["mktag"], stdin=text.encode()).decode("ascii").strip()
    run_git(git_dir, ["update-ref", f"refs/tags/{AUDIT_TAG}", tag])


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
