"""The config repository of the demo, and the source that applies it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from krate_gitops.demo.example import example_config
from krate_gitops.demo.story import DANA, RAVI
from krate_gitops.git.checkout import fill_work_tree
from krate_gitops.git.commits import init_repository, write_commit
from krate_gitops.git.local import find_repository
from krate_gitops.git.lookup import read_refs

CONFIG_REPO, SOURCE_FILE = "agent-config", "acme-config.yaml"
ORGANIZATION, NAMESPACE, SOURCE = "acme", "krate-org-acme", "acme-config"
_CUT = "orgs/acme/agents/"


def build_config_repo(folder: Path, *, time: datetime) -> Path:
    """Makes the repository in ``folder`` with one commit, and a file with its source beside it; the source's path."""
    files = example_config()
    repository = init_repository(folder / CONFIG_REPO)
    write_commit(repository.git_dir, files, parents=(), message="Agents of acme", author=DANA, time=time, branch="main")
    fill_work_tree(repository)
    source = folder / SOURCE_FILE
    source.write_bytes(files["platform/sources.yaml"])
    return source


def remove_agents(folder: Path, *, time: datetime) -> str:
    """A commit that loses a whole folder, as a slip of the hand does; its id."""
    repository = find_repository(folder / CONFIG_REPO)
    tip = read_refs(repository, ["refs/heads/main"])["refs/heads/main"]
    gone = {path: None for path in example_config() if path.startswith(_CUT)}
    commit = write_commit(
        repository.git_dir, gone, parents=(tip,), message="Tidy up", author=RAVI, time=time, branch="main"
    )
    fill_work_tree(repository)
    return commit
