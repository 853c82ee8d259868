"""What a forge keeps about one repository, apart from the form it tells it in."""

from __future__ import annotations

import dataclasses
import itertools

OWNER, NAME = "acme", "company-brain"
REPOSITORY = f"{OWNER}/{NAME}"


@dataclasses.dataclass
class Review:
    actor: str
    state: str
    commit: str
    at: str
    text: str


@dataclasses.dataclass
class Pull:
    number: int
    title: str
    body: str
    branch: str
    target: str
    state: str = "open"
    is_fork: bool = False
    final_head: str | None = None
    merge_commit: str | None = None
    labels: list[str] = dataclasses.field(default_factory=list)
    reviewers: list[str] = dataclasses.field(default_factory=list)
    comments: list[str] = dataclasses.field(default_factory=list)
    reviews: list[Review] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Status:
    id: int
    state: str
    context: str
    description: str


class Refused(Exception):
    """The forge says no, with a status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class World:
    """Branches, pull requests and statuses. Commits are made up: their ids are numbers."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.branches = {"main": self.commit()}
        self.pulls: dict[int, Pull] = {}
        self.statuses: dict[str, list[Status]] = {}
        self.users = {"dana": 11, "erin": 12}
        self.teams = {"core"}
        self.label_ids: dict[str, int] = {"bug": 900}
        self.merge_method = "merge"

    def commit(self) -> str:
        return f"{next(self._ids):040x}"

    def push(self, branch: str) -> str:
        self.branches[branch] = self.commit()
        return self.branches[branch]

    def head(self, pull: Pull) -> str:
        return pull.final_head or self.branches[pull.branch]

    def open(self, title: str, body: str, branch: str, target: str, *, is_fork: bool = False) -> Pull:
        if branch not in self.branches or target not in self.branches:
            raise Refused(422, "a branch is missing")
        for one in self.pulls.values():
            if one.state == "open" and not one.is_fork and not is_fork and (one.branch, one.target) == (branch, target):
                raise Refused(409, "a pull request for that branch exists already")
        pull = Pull(len(self.pulls) + 1, title, body, branch, target, is_fork=is_fork)
        self.pulls[pull.number] = pull
        return pull

    def pull(self, number: int) -> Pull:
        if number not in self.pulls:
            raise Refused(404, "not found")
        return self.pulls[number]

    def merge(self, number: int, head: str | None) -> str:
        """Merges; without a head it is whatever is there now, as the forges do."""
        pull = self.pull(number)
        head = head or self.head(pull)
        if pull.state != "open":
            raise Refused(405, "it is not open")
        if head != self.head(pull):
            raise Refused(409, "head branch was modified")
        pull.final_head, pull.state, pull.merge_commit = head, "merged", self.push(pull.target)
        return pull.merge_commit

    def close(self, number: int) -> None:
        pull = self.pull(number)
        if pull.state == "open":
            pull.final_head, pull.state = self.head(pull), "closed"

    def set_status(self, commit: str, state: str, context: str, description: str) -> Status:
        status = Status(next(self._ids), state, context, description)
        self.statuses.setdefault(commit, []).append(status)
        return status
