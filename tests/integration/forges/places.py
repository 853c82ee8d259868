"""The four kinds of forges behind one face: the port, and what people do there meanwhile."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from krate_gitops.updates.forges.client import Clock, Limits, Token
from krate_gitops.updates.forges.forgejo import ForgejoForge, forgejo_client
from krate_gitops.updates.forges.github import GitHubForge, github_client
from krate_gitops.updates.forges.gitlab import GitLabForge, gitlab_client
from krate_gitops.updates.forges.local import LocalForge
from krate_gitops.updates.forges.port import Forge, ForgeReview, PullDraft, ReviewState
from tests.integration.forges.description import load_description
from tests.integration.forges.fake import TOKEN, FakeForge
from tests.integration.forges.fake_forgejo import FakeForgejo
from tests.integration.forges.fake_github import FakeGitHub
from tests.integration.forges.fake_gitlab import FakeGitLab
from tests.integration.forges.world import NAME, OWNER, REPOSITORY, Review
from tests.repos import RepoBuilder, git

BRANCH = "krate/agent-memory/adr-5b1f0c9d27ae"
DIGEST = "sha256:" + "ab" * 32
KINDS = ("local", "github", "gitlab", "forgejo")
REMOTE_KINDS = KINDS[1:]


def draft_of(head: str, **changes: object) -> PullDraft:
    """A draft for the usual branch."""
    given: dict[str, object] = {
        "branch": BRANCH, "target": "main", "head": head, "title": "[memory] Correct the replay order",
        "body": "| Path | Action |\n|---|---|\n| a.md | update |\n", "digest": DIGEST,
    }  # fmt: skip
    return PullDraft(**(given | changes))  # type: ignore[arg-type]


class Place(abc.ABC):
    """A forge, and what others do at it."""

    forge: Forge
    repository = REPOSITORY

    @abc.abstractmethod
    def push(self, branch: str = BRANCH) -> str:
        """A new commit on a branch, which is made from the target where it isn't there; the commit's id."""

    @abc.abstractmethod
    def tip(self, branch: str) -> str | None: ...

    @abc.abstractmethod
    def comments(self, ref: str) -> list[str]: ...

    @abc.abstractmethod
    def statuses(self, commit: str) -> int:
        """How often a status was set."""

    @abc.abstractmethod
    def review(self, ref: str, actor: str, state: ReviewState, text: str, at: str) -> None: ...

    @abc.abstractmethod
    def merge_elsewhere(self, ref: str) -> None: ...

    @abc.abstractmethod
    def close_elsewhere(self, ref: str) -> None: ...


class LocalPlace(Place):
    """A bare repository and a record store."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.repo = RepoBuilder(folder / "brain.git")
        self.settings = settings
        self.repo.commit({"a.md": "1\n"})
        self.forge: LocalForge = self.make()
        self._count = 0

    def make(self) -> LocalForge:
        return LocalForge(
            open_database(self.settings),
            organization=OWNER,
            memory_repository=NAME,
            spec=str(self.repo.path),
            settings=self.settings,
            now=lambda: 1_780_000_000.0,
        )

    def push(self, branch: str = BRANCH) -> str:
        self._count += 1
        parents = None if self.tip(branch) else [self.repo.tip()]
        name = "main.md" if branch == "main" else "b.md"
        return self.repo.commit({name: f"{self._count}\n"}, branch=branch, parents=parents)  # type: ignore[arg-type]

    def tip(self, branch: str) -> str | None:
        return self.repo.tip(branch)

    def comments(self, ref: str) -> list[str]:
        return list(self.forge.comments(ref))

    def statuses(self, commit: str) -> int:
        with open_database(self.settings).reading() as connection:
            asked = "SELECT count(*) FROM commit_statuses WHERE organization = 'acme' AND \"commit\" = '" + commit + "'"
            return int(connection.exec_driver_sql(asked).scalar_one())

    def review(self, ref: str, actor: str, state: ReviewState, text: str, at: str) -> None:
        self.forge.review(ref, ForgeReview(actor=actor, state=state, commit=self.tip(BRANCH), at=at, comment=text))

    def merge_elsewhere(self, ref: str) -> None:
        head = self.forge.read(ref).head
        if self.repo.tip() in git(self.repo.git_dir, "rev-list", head).decode().split():
            self.repo.merge(head)

    def close_elsewhere(self, ref: str) -> None:
        self.make().close(ref)


class RemotePlace(Place):
    """A fake forge behind HTTP."""

    def __init__(self, fake: FakeForge, make: Callable[[str | None, str], Forge]) -> None:
        self.fake = fake
        self.make = make
        self.pauses: list[float] = []
        self.forge = make(TOKEN, REPOSITORY)

    def push(self, branch: str = BRANCH) -> str:
        return self.fake.world.push(branch)

    def tip(self, branch: str) -> str | None:
        return self.fake.world.branches.get(branch)

    def comments(self, ref: str) -> list[str]:
        return self.fake.world.pull(_number(ref)).comments

    def statuses(self, commit: str) -> int:
        return len(self.fake.world.statuses.get(commit, []))

    def review(self, ref: str, actor: str, state: ReviewState, text: str, at: str) -> None:
        pull = self.fake.world.pull(_number(ref))
        pull.reviews.append(Review(actor, state.value, self.fake.world.head(pull), at, text))

    def merge_elsewhere(self, ref: str) -> None:
        world = self.fake.world
        world.merge(_number(ref), world.head(world.pull(_number(ref))))

    def close_elsewhere(self, ref: str) -> None:
        self.fake.world.close(_number(ref))


@contextlib.contextmanager
def remote_place(kind: str, *, limits: Limits | None = None) -> Iterator[RemotePlace]:
    """A running fake forge. Whatever it was asked must be as described."""
    description, fake_of, client_of, forge_of = {
        "github": ("github", FakeGitHub, github_client, GitHubForge),
        "gitlab": ("gitlab", FakeGitLab, gitlab_client, GitLabForge),
        "forgejo": ("gitea", FakeForgejo, forgejo_client, ForgejoForge),
    }[kind]
    fake = fake_of(load_description(description))
    with fake.running() as url:
        pauses: list[float] = []
        clock = Clock(pauses.append, lambda: 1_780_000_000.0)

        def make(token: str | None, repository: str) -> Forge:
            client = client_of(url, Token(token) if token else None, limits=limits or Limits(seconds=10), clock=clock)
            return forge_of(client, repository)

        place = RemotePlace(fake, make)
        place.pauses = pauses
        yield place
    assert not fake.violations, "\n".join(fake.violations)


@contextlib.contextmanager
def any_place(kind: str, folder: Path) -> Iterator[Place]:
    """A place of any kind."""
    if kind != "local":
        with remote_place(kind) as place:
            yield place
        return
    try:
        yield LocalPlace(folder, Settings(home=folder / "home"))
    finally:
        close_databases()


def _number(ref: str) -> int:
    return int(ref.rpartition("/")[2])
