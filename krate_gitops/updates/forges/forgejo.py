"""Forgejo and Gitea, by the REST interface that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.updates.forges.client import Clock, Endpoint, ForgeClient, Limits, Token, quoted
from krate_gitops.updates.forges.port import CheckState, ForgeReview, PullDraft, PullRequest, PullState, ReviewState
from krate_gitops.updates.forges.remote import PAGE_SIZE, DeleteBranch, RemoteForge, Reviewers, Status

_LABEL_COLOR = "#5319e7"
_STATES = {
    "pending": CheckState.PENDING,
    "success": CheckState.SUCCESS,
}
"""Error, warning, and whatever later versions add, stops a merge."""
_REVIEWS = {
    "APPROVED": ReviewState.APPROVED,
    "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED,
    "COMMENT": ReviewState.COMMENTED,
}


class _User(msgspec.Struct, frozen=True):
    login: str


class _End(msgspec.Struct, frozen=True):
    ref: str
    sha: str
    repo_id: int = 0


class _Pull(msgspec.Struct, frozen=True):
    number: int
    state: str
    title: str
    head: _End
    base: _End
    body: str | None = None
    html_url: str | None = None
    merged: bool | None = False
    merge_commit_sha: str | None = None


class _Status(msgspec.Struct, frozen=True):
    id: int
    status: str
    context: str
    description: str | None = None


class _Review(msgspec.Struct, frozen=True):
    id: int
    state: str
    user: _User | None = None
    commit_id: str | None = None
    submitted_at: str | None = None
    body: str | None = None
    dismissed: bool | None = False


class _Label(msgspec.Struct, frozen=True):
    id: int
    name: str


class _Commit(msgspec.Struct, frozen=True):
    id: str


class _Branch(msgspec.Struct, frozen=True):
    commit: _Commit


def forgejo_client(
    url: str, token: Token | None, *, limits: Limits | None = None, clock: Clock | None = None
) -> ForgeClient:
    """A client of ``https://HOST/api/v1``."""
    return ForgeClient(Endpoint(url), token, scheme="token", limits=limits, clock=clock)


class ForgejoForge(RemoteForge):
    """A repository at Forgejo or Gitea."""

    def __init__(self, client: ForgeClient, repository: str, *, delete: DeleteBranch | None = None) -> None:
        super().__init__(client, repository, delete=delete)
        owner, name = self.repository.split("/", 1)
        self._at = quoted("repos", owner, name)

    def _open_pulls(self, branch: str, target: str) -> Iterator[PullRequest]:
        # It can't be asked for a branch, so all open ones are looked through.
        query = {"state": "open", "sort": "recentupdate"}
        for one in self._client.pages(f"{self._at}/pulls", _Pull, size_name="limit", size=PAGE_SIZE, query=query):
            if one.head.repo_id == one.base.repo_id:
                yield self._pull(one)

    def _create(self, draft: PullDraft, title: str, body: str) -> PullRequest:
        content = {"title": title, "body": body, "head": draft.branch, "base": draft.target}
        return self._pull(self._client.ask("POST", f"{self._at}/pulls", _Pull, body=content))

    def _read(self, number: int) -> PullRequest:
        return self._pull(self._client.ask("GET", f"{self._at}/pulls/{number}", _Pull))

    def _edit(self, number: int, title: str, body: str) -> PullRequest:
        content = {"title": title, "body": body}
        path = f"{self._at}/pulls/{number}"
        return self._pull(self._client.ask("PATCH", path, _Pull, body=content, repeats=True))

    def _label(self, number: int, labels: Sequence[str]) -> None:
        if labels:
            numbers = self._label_numbers(labels)
            self._client.call("POST", f"{self._at}/issues/{number}/labels", body={"labels": numbers}, repeats=True)

    def _label_numbers(self, names: Sequence[str]) -> list[int]:
        """Labels go by number there; one that isn't there is made."""
        known = {
            one.name: one.id for one in self._client.pages(f"{self._at}/labels", _Label, size_name="limit", size=50)
        }
        for name in names:
            if name not in known:
                content = {"name": name, "color": _LABEL_COLOR}
                known[name] = self._client.ask("POST", f"{self._at}/labels", _Label, body=content).id
        return [known[name] for name in names]

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
        path = f"{self._at}/statuses{quoted(commit)}"
        all_of_it = self._client.pages(path, _Status, size_name="limit", size=PAGE_SIZE)
        newest = max((one for one in all_of_it if one.context == context), key=lambda one: one.id, default=None)
        if newest is None:
            return None
        return Status(_STATES.get(newest.status, CheckState.FAILURE), newest.description or "")

    def _post_status(self, commit: str, state: CheckState, description: str, context: str) -> None:
        content = {"state": state.value, "context": context, "description": description}
        self._client.call("POST", f"{self._at}/statuses{quoted(commit)}", body=content, repeats=True)

    def _reviews(self, number: int) -> list[ForgeReview]:
        path = f"{self._at}/pulls/{number}/reviews"
        found = [
            one for one in self._client.pages(path, _Review, size_name="limit", size=PAGE_SIZE) if one.state in _REVIEWS
        ]
        return [
            ForgeReview(
                actor=one.user.login if one.user else "ghost",
                state=ReviewState.DISMISSED if one.dismissed else _REVIEWS[one.state],
                commit=one.commit_id or None,
                at=one.submitted_at or "",
                comment=one.body or "",
            )
            for one in sorted(found, key=lambda one: one.id)
        ]

    def _merge(self, number: int, head: str, title: str, message: str) -> str | None:
        content = {
            "Do": "merge", "head_commit_id": head, "MergeTitleField": title, "MergeMessageField": message,
            "delete_branch_after_merge": False, "force_merge": False, "merge_when_checks_succeed": False,
        }  # fmt: skip
        try:
            self._client.call("POST", f"{self._at}/pulls/{number}/merge", body=content)
        except KrateError as error:
            if error.code == "FORGE_CONFLICT" and "try again later" in error.message.lower():
                # It is still finding out whether there are conflicts.
                raise UnavailableError("FORGE_UNAVAILABLE", error.message, hint="the same again is safe") from None
            raise
        return None

    def _close(self, number: int) -> None:
        self._client.call("PATCH", f"{self._at}/pulls/{number}", body={"state": "closed"}, repeats=True)

    def _branch_tip(self, branch: str) -> str | None:
        path = f"{self._at}/branches/{quote(branch)}"
        return self._tip_of(path, lambda at: self._client.ask("GET", at, _Branch).commit.id)

    def _delete_branch(self, branch: str) -> None:
        self._client.call("DELETE", f"{self._at}/branches/{quote(branch)}")

    def _pull(self, one: _Pull) -> PullRequest:
        is_open = one.state == "open"
        return PullRequest(
            ref=f"{self.repository}/{one.number}",
            number=one.number,
            state=PullState.MERGED if one.merged else PullState.OPEN if is_open else PullState.CLOSED,
            branch=one.head.ref,
            target=one.base.ref,
            head=one.head.sha,
            title=one.title,
            body=one.body or "",
            url=one.html_url,
            merge_commit=one.merge_commit_sha if one.merged else None,
        )
