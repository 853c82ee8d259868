"""The same against a real forge, where the environment names one to play with:

``KRATE_TEST_FORGE_URL``  address that git clones it by, such as https://git.example.com/acme/scratch.git
``KRATE_TEST_FORGE_TOKEN``  a token that may push and write pull requests
``KRATE_TEST_FORGE_KIND``  github, gitlab or forgejo, where the host doesn't say it
``KRATE_TEST_FORGE_API``  address of the interface, where it isn't at the usual place

A branch, a pull request and a merge commit are left in its history each time; the branch is deleted.
"""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from pathlib import Path

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.updates.forges.choose import choose_forge, open_forge
from krate_gitops.updates.forges.client import Token
from krate_gitops.updates.forges.port import CheckState, Forge, PullState
from krate_gitops.updates.forges.text import digest_in
from tests.integration.forges.places import DIGEST, draft_of


class Clone:
    """A clone of the forge's repository, pushed from with the token."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self._folder = folder
        login = base64.b64encode(f"krate:{token}".encode()).decode()
        self._environment = {
            "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}", "GIT_AUTHOR_NAME": "k",
            "GIT_AUTHOR_EMAIL": "k@x",
            "GIT_COMMITTER_NAME": "krate", "GIT_COMMITTER_EMAIL": "k@x",
        }  # fmt: skip
        self.git("clone", "--quiet", url, str(folder))
        self.target = self.git("rev-parse", "--abbrev-ref", "HEAD")

    def git(self, *arguments: str) -> str:
        place = ["-C", str(self._folder)] if self._folder.exists() else []
        done = subprocess.run(["git", *place, *arguments], env=self._environment, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def push(self, branch: str) -> str:
        (self._folder / "krate-test.md").write_text(f"{secrets.token_hex(8)}\n")
        self.git("add", "krate-test.md")
        self.git("commit", "--quiet", "--message", "A change to propose")
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")


def test_a_proposal_goes_all_the_way(tmp_path: Path) -> None:
    url, token = os.environ.get("KRATE_TEST_FORGE_URL"), os.environ.get("KRATE_TEST_FORGE_TOKEN")
    if not url or not token:
        pytest.skip("no forge to test against (set KRATE_TEST_FORGE_URL and KRATE_TEST_FORGE_TOKEN)")
    choice = choose_forge(
        location=url, forge=os.environ.get("KRATE_TEST_FORGE_KIND"), api=os.environ.get("KRATE_TEST_FORGE_API")
    )

    def local() -> Forge:
        pytest.fail("the forge's kind isn't known: set KRATE_TEST_FORGE_KIND")

    forge = open_forge(choice, local=local, token=Token(token))
    clone, branch = Clone(tmp_path / "clone", url, token), f"krate/test/{secrets.token_hex(6)}"
    first = clone.push(branch)
    pull = forge.open(draft_of(first, branch=branch, target=clone.target))
    assert (pull.state, pull.head, digest_in(pull.body)) == (PullState.OPEN, first, DIGEST)
    assert forge.open(draft_of(first, branch=branch, target=clone.target)).ref == pull.ref
    forge.comment(pull.ref, "A comment.")
    assert forge.reviews(pull.ref) is not None
    head = clone.push(branch)
    with pytest.raises(KrateError):
        forge.merge(pull.ref, expected_head=first, message="merge")
    for state in (CheckState.PENDING, CheckState.FAILURE, CheckState.SUCCESS):
        forge.set_status(head, state, description=state.value)
        assert forge.status(head) is state
    commit = forge.merge(pull.ref, expected_head=head, message="Merge a test\n\nKrate-Update: amu-test")
    clone.git("fetch", "--quiet", "origin")
    assert clone.git("rev-list", "--parents", "--max-count=1", commit).split()[2:] == [head]
    assert forge.read(pull.ref).state is PullState.MERGED
    assert forge.delete_branch(branch, expected_head=first) is False
    assert forge.delete_branch(branch, expected_head=head) is True
