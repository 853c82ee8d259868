"""GitHub, and GitHub Enterprise Server, by their REST interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from krate_gitops.updates.forges.client import Clock, Endpoint, ForgeClient, Limits, Token, quoted
from krate_gitops.updates.forges.port import CheckState, ForgeReview, PullDraft, PullRequest, PullState, ReviewState
from krate_gitops.updates.forges.remote import PAGE_SIZE, DeleteBranch, RemoteForge, Reviewers, Status

_VERSION = "2022-11-28"
_STATES = {
    "pending": CheckState.PENDING,
    "success": CheckState.SUCCESS,
}
_REVIEWS = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "COMMENTED": ReviewState.COMMENTED,
    "DISMISSED": ReviewState.DISMISSED,
}


class _User(msgspec.Struct, frozen=True):
    login: str


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _End(msgspec.Struct, frozen=True):
    ref: str
    sha: str
    repo: _Repository | None = None


class _Pull(msgspec.Struct, frozen=True):
    number: int
    state: str
    title: str
    head: _End
    base: _End
    body: str | None = None
    html_url: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class _Status(msgspec.Struct, frozen=True):
    state: str
    context: str
    description: str | None = None


class _Review(msgspec.Struct, frozen=True):
    id: int
    state: str
    user: _User | None = None
    commit_id: str | None = None
    submitted_at: str | None = None
    body: str | None = None


class _Object(msgspec.Struct, frozen=True):
    sha: str


class _Merged(msgspec.Struct, frozen=True):
    sha: str
    merged: bool


class _Ref(msgspec.Struct, frozen=True):
    object: _Object


def github_client(
    url: str, token: Token | None, *, limits: Limits | None = None, clock: Clock | None = None
) -> ForgeClient:
    """A client of ``https://api.github.com`` or ``https://HOST/api/v3``."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION}
    return ForgeClient(Endpoint(url), token, headers=headers, limits=limits, clock=clock)


class GitHubForge(RemoteForge):
    """A repository at GitHub."""

    def __init__(self, client: ForgeClient, repository: str, *, delete: DeleteBranch | None = None) -> None:
        super().__init__(client, repository, delete=delete)
        self._owner, self._name = self.repository.split("/", 1)
        self._at = quoted("repos", self._owner, self._name)

    def _open_pulls(self, branch: str, target: str) -> Iterator[PullRequest]:
        query = {"state": "open", "head": f"{self._owner}:{branch}", "base": target}
        for one in self._client.pages(f"{self._at}/pulls", _Pull, size_name="per_page", size=PAGE_SIZE, query=query):
            # A fork can have a branch of the same name.
            if one.head.repo is not None and one.head.repo.full_name.lower() == self.repository.lower():
                yield self._pull(one)

    def _create(self, draft: PullDraft, title: str, body: str) -> PullRequest:
        content = {
            "title": title, "body": body, "head": draft.branch, "base": draft.target, "maintainer_can_modify": False,
        }  # fmt: skip
        return self._pull(self._client.ask("POST", f"{self._at}/pulls", _Pull, body=content))

    def _read(self, number: int) -> PullRequest:
        return self._pull(self._client.ask("GET", f"{self._at}/pulls/{number}", _Pull))

    def _edit(self, number: int, title: str, body: str) -> PullRequest:
        content = {"title": title, "body": body}
        path = f"{self._at}/pulls/{number}"
        return self._pull(self._client.ask("PATCH", path, _Pull, body=content, repeats=True))

    def _label(self, number: int, labels: Sequence[str]) -> None:
        if labels:
            path = f"{self._at}/issues/{number}/labels"
            self._client.call("POST", path, body={"labels": list(labels)}, repeats=True)

    def _request(self, number: int, reviewers: Reviewers) -> None:
        content: dict[str, list[str]] = {}
        if reviewers.users:
            content["reviewers"] = list(reviewers.users)
        if reviewers.teams:
            content["team_reviewers"] = list(reviewers.teams)
        self._client.call("POST", f"{self._at}/pulls/{number}/requested_reviewers", body=content, repeats=True)

    def _comment(self, number: int, text: str) -> None:
        self._client.call("POST", f"{self._at}/issues/{number}/comments", body={"body": text})

    def _newest_status(self, commit: str, context: str) -> Status | None:
        path = f"{self._at}/commits{quoted(commit)}/statuses"
        # Newest first; contexts are the same in any case there.
        for one in self._client.pages(path, _Status, size_name="per_page", size=PAGE_SIZE):
            if one.context.lower() == context.lower():
                return Status(_STATES.get(one.state, CheckState.FAILURE), one.description or "")
        return None

    def _post_status(self, commit: str, state: CheckState, description: str, context: str) -> None:
        content = {"state": state.value, "context": context, "description": description}
        self._client.call("POST", f"{self._at}/statuses{quoted(commit)}", body=content, repeats=True)

    def _reviews(self, number: int) -> list[ForgeReview]:
        path = f"{self._at}/pulls/{number}/reviews"
        return [
            ForgeReview(
                actor=one.user.login if one.user else "ghost",
                state=_REVIEWS[one.state],
                commit=one.commit_id,
                at=one.submitted_at or "",
                comment=one.body or "",
            )
            for one in self._client.pages(path, _Review, size_name="per_page", size=PAGE_SIZE)
            if one.state in _REVIEWS
        ]

    def _merge(self, number: int, head: str, title: str, message: str) -> str | None:
        content = {"sha": head, "merge_method": "merge", "commit_title": title, "commit_message": message}
        merged = self._client.ask("PUT", f"{self._at}/pulls/{number}/merge", _Merged, body=content)
        return merged.sha if merged.merged else None

    def _close(self, number: int) -> None:
        self._client.call("PATCH", f"{self._at}/pulls/{number}", body={"state": "closed"}, repeats=True)

    def _branch_tip(self, branch: str) -> str | None:
        path = f"{self._at}/git/ref/heads/{quote(branch)}"
        return self._tip_of(path, lambda at: self._client.ask("GET", at, _Ref).object.sha)

    def _delete_branch(self, branch: str) -> None:
        self._client.call("DELETE", f"{self._at}/git/refs/heads/{quote(branch)}")

    def _pull(self, one: _Pull) -> PullRequest:
        is_open, is_merged = one.state == "open", one.merged_at is not None
        return PullRequest(
            ref=f"{self.repository}/{one.number}",
            number=one.number,
            state=PullState.MERGED if is_merged else PullState.OPEN if is_open else PullState.CLOSED,
            branch=one.head.ref,
            target=one.base.ref,
            head=one.head.sha,
            title=one.title,
            body=one.body or "",
            url=one.html_url,
            # Of an open one it is a commit that GitHub made to try the merge.
            merge_commit=one.merge_commit_sha if is_merged else None,
        )
