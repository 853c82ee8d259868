"""Names of pull requests and branches: ``owner/name/number``, and what may be deleted."""

from __future__ import annotations

import re

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.request import check_ref_name
from krate_gitops.updates.forges.port import PullRequest, PullState

OWN_PREFIX = "krate/"
"""Branches below it are the controller's; no other one is ever deleted."""
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_REPOSITORY = re.compile(r"[^\s/\x00-\x1f\x7f]{1,200}(/[^\s/\x00-\x1f\x7f]{1,200}){1,20}")


def check_repository(name: str) -> str:
    """``owner/name``, or more folders at GitLab. Raises ``UsageError(CONFIG_INVALID)``."""
    if not _REPOSITORY.fullmatch(name) or any(part in (".", "..") for part in name.split("/")):
        raise UsageError("CONFIG_INVALID", "the repository at the forge is written owner/name")
    return name


def pull_number(ref: str, repository: str) -> int:
    """Number of a pull request of a repository. Raises ``UsageError(INVALID_REQUEST)`` for another one's."""
    owner, _, number = ref.rpartition("/")
    if owner != repository or not _NUMBER.fullmatch(number):
        raise UsageError(
            "INVALID_REQUEST", "that is no pull request of this repository", hint=f"write {repository}/NUMBER"
        )
    return int(number)


def check_own_branch(branch: str) -> None:
    """Raises ``UsageError(INVALID_REQUEST)`` for a branch that isn't the controller's."""
    check_ref_name(branch)
    if not branch.startswith(OWN_PREFIX):
        raise UsageError("INVALID_REQUEST", f"only branches below {OWN_PREFIX} are deleted", location=branch)


def conflict(message: str, pull: PullRequest | None = None) -> KrateError:
    """The error of a pull request that isn't as expected."""
    place = (pull.url or pull.ref) if pull else ""
    return KrateError("FORGE_CONFLICT", message, hint="read the pull request again", location=place)


def check_mergeable(pull: PullRequest, expected_head: str) -> bool:
    """Whether it still has to be merged. Raises ``KrateError(FORGE_CONFLICT)`` where it must not be."""
    if pull.state is PullState.CLOSED:
        raise conflict(f"{pull.ref} was closed", pull)
    if pull.head != expected_head:
        what = "was merged with" if pull.state is PullState.MERGED else "stands on"
        raise conflict(f"{pull.ref} {what} {pull.head[:12]}, not on {expected_head[:12]}", pull)
    return pull.state is PullState.OPEN
