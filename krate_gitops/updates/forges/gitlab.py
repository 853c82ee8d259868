"""GitLab, by its REST interface; its merge requests are pull requests here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from krate_gitops.errors import KrateError
from krate_gitops.updates.forges.client import Clock, Endpoint, ForgeClient, Limits, Token, quoted
from krate_gitops.updates.forges.port import CheckState, ForgeReview, PullDraft, PullRequest, PullState, ReviewState
from krate_gitops.updates.forges.ref import conflict
from krate_gitops.updates.forges.remote import PAGE_SIZE, DeleteBranch, RemoteForge, Reviewers, Status

_SENT_STATES = {CheckState.PENDING: "pending", CheckState.SUCCESS: "success", CheckState.FAILURE: "failed"}
_STATES = {
    "pending": CheckState.PENDING,
    "running": CheckState.PENDING,
    "created": CheckState.PENDING,
    "success": CheckState.SUCCESS,
}
_MERGED_BY_COMMIT = ("merge", "rebase_merge")
"""Project settings under which a merge makes one merge commit; the other one fast-forwards several commits at once."""


class _User(msgspec.Struct, frozen=True):
    id: int
    username: str


class _Request(msgspec.Struct, frozen=True):
    iid: int
    state: str
    title: str
    source_branch: str
    target_branch: str
    sha: str | None = None
    description: str | None = None
    web_url: str | None = None
    merge_commit_sha: str | None = None
    source_project_id: int | None = None
    target_project_id: int | None = None
    labels: tuple[str, ...] = ()


class _Status(msgspec.Struct, frozen=True):
    id: int
    status: str
    name: str
    description: str | None = None


class _Approval(msgspec.Struct, frozen=True):
    user: _User
    approved_at: str | None = None


class _Approvals(msgspec.Struct, frozen=True):
    approved_by: tuple[_Approval, ...] = ()


class _Reviewer(msgspec.Struct, frozen=True):
    user: _User
    state: str
    created_at: str | None = None


class _Note(msgspec.Struct, frozen=True):
    id: int
    body: str
    created_at: str
    author: _User | None = None
    system: bool = False


class _Project(msgspec.Struct, frozen=True):
    merge_method: str = "merge"


class _Commit(msgspec.Struct, frozen=True):
    id: str


class _Branch(msgspec.Struct, frozen=True):
    commit: _Commit


def gitlab_client(
    url: str, token: Token | None, *, limits: Limits | None = None, clock: Clock | None = None
) -> ForgeClient:
    """A client of ``https://HOST/api/v4``."""
    return ForgeClient(Endpoint(url), token, limits=limits, clock=clock)


class GitLabForge(RemoteForge):
    """A project at GitLab; its groups may be nested."""

    def __init__(self, client: ForgeClient, repository: str, *, delete: DeleteBranch | None = None) -> None:
        super().__init__(client, repository, delete=delete)
        self._at = quoted("projects", self.repository)
        self._requests = f"{self._at}/merge_requests"

    def _open_pulls(self, branch: str, target: str) -> Iterator[PullRequest]:
        query = {"state": "opened", "source_branch": branch, "target_branch": target}
        for one in self._client.pages(self._requests, _Request, size_name="per_page", size=PAGE_SIZE, query=query):
            # A fork can have a branch of the same name.
            if one.source_project_id == one.target_project_id:
                yield self._pull(one)

    def _create(self, draft: PullDraft, title: str, body: str) -> PullRequest:
        content = {
            "title": title, "description": body, "source_branch": draft.branch, "target_branch": draft.target,
            "remove_source_branch": False, "squash": False,
        }  # fmt: skip
        return self._pull(self._client.ask("POST", self._requests, _Request, body=content))

    def _read(self, number: int) -> PullRequest:
        return self._pull(self._client.ask("GET", f"{self._requests}/{number}", _Request))

    def _edit(self, number: int, title: str, body: str) -> PullRequest:
        content = {"title": title, "description": body}
        path = f"{self._requests}/{number}"
        return self._pull(self._client.ask("PUT", path, _Request, body=content, repeats=True))

    def _label(self, number: int, labels: Sequence[str]) -> None:
        if labels:
            content = {"add_labels": ",".join(label.replace(",", " ") for label in labels)}
            self._client.call("PUT", f"{self._requests}/{number}", body=content, repeats=True)

    def _request(self, number: int, reviewers: Reviewers) -> None:
        """Reviewers are set by number there, all at once, and teams can't be asked: those who are set already stay."""
        wanted = {one.id for name in reviewers.users if (one := self._user(name)) is not None}
        asked = {one.user.id for one in self._reviewers(number)}
        if wanted - asked:
            content = {"reviewer_ids": sorted(wanted | asked)}
            self._client.call("PUT", f"{self._requests}/{number}", body=content, repeats=True)

    def _user(self, name: str) -> _User | None:
        found = self._client.ask("GET", "/users", list[_User], query={"username": name})
        return next((one for one in found if one.username.lower() == name.lower()), None)

    def _reviewers(self, number: int) -> list[_Reviewer]:
        return self._client.ask("GET", f"{self._requests}/{number}/reviewers", list[_Reviewer])

    def _comment(self, number: int, text: str) -> None:
        self._client.call("POST", f"{self._requests}/{number}/notes", body={"body": text})

    def _newest_status(self, commit: str, context: str) -> Status | None:
        path = f"{self._at}/repository/commits{quoted(commit)}/statuses"
        query = {"name": context}
        all_of_it = self._client.pages(path, _Status, size_name="per_page", size=PAGE_SIZE, query=query)
        newest = max((one for one in all_of_it if one.name == context), key=lambda one: one.id, default=None)
        if newest is None:
            return None
        return Status(_STATES.get(newest.status, CheckState.FAILURE), newest.description or "")

    def _post_status(self, commit: str, state: CheckState, description: str, context: str) -> None:
        content = {"state": _SENT_STATES[state], "name": context, "description": description}
        try:
            self._client.call("POST", f"{self._at}/statuses{quoted(commit)}", body=content, repeats=True)
        except KrateError as error:
            # It refuses a state that is set already, which a repeated call, or somebody else, may have done.
            found = self._newest_status(commit, context) if error.code == "FORGE_CONFLICT" else None
            if found is None or found.state is not state:
                raise

    def _reviews(self, number: int) -> list[ForgeReview]:
        """Approvals that count now, changes that are requested now, and what people wrote.

        GitLab doesn't tell for which commit an approval was given; it takes approvals back when commits are pushed,
        where the project is set so.
        """
        at = f"{self._requests}/{number}"
        approvals = self._client.ask("GET", f"{at}/approvals", _Approvals).approved_by
        found = [_review(one.user, ReviewState.APPROVED, one.approved_at) for one in approvals]
        found += [
            _review(one.user, ReviewState.CHANGES_REQUESTED, one.created_at)
            for one in self._reviewers(number)
            if one.state == "requested_changes"
        ]
        notes = self._client.pages(
            f"{at}/notes", _Note, size_name="per_page", size=PAGE_SIZE, query={"sort": "asc", "order_by": "created_at"}
        )
        found += [
            _review(one.author, ReviewState.COMMENTED, one.created_at, one.body) for one in notes if not one.system
        ]
        return sorted(found, key=lambda one: one.at)

    def _merge(self, number: int, head: str, title: str, message: str) -> str | None:
        method = self._client.ask("GET", self._at, _Project).merge_method
        if method not in _MERGED_BY_COMMIT:
            raise KrateError(
                "FORGE_CONFLICT",
                f"{self.repository} merges by fast-forward, which would make every commit of a proposal approved",
                hint="set the project's merge method to merge commits",
            )
        content = {
            "sha": head, "merge_commit_message": f"{title}\n\n{message}".strip(), "squash": False,
            "should_remove_source_branch": False,
        }  # fmt: skip
        return self._client.ask("PUT", f"{self._requests}/{number}/merge", _Request, body=content).merge_commit_sha

    def _close(self, number: int) -> None:
        self._client.call("PUT", f"{self._requests}/{number}", body={"state_event": "close"}, repeats=True)

    def _branch_tip(self, branch: str) -> str | None:
        path = f"{self._at}/repository/branches{quoted(branch)}"
        return self._tip_of(path, lambda at: self._client.ask("GET", at, _Branch).commit.id)

    def _delete_branch(self, branch: str) -> None:
        self._client.call("DELETE", f"{self._at}/repository/branches{quoted(branch)}")

    def _pull(self, one: _Request) -> PullRequest:
        if not one.sha:
            raise conflict(f"{self.repository}/{one.iid} has no commit")
        is_merged = one.state == "merged"
        return PullRequest(
            ref=f"{self.repository}/{one.iid}",
            number=one.iid,
            # A locked one is being merged.
            state=PullState.MERGED if is_merged else PullState.CLOSED if one.state == "closed" else PullState.OPEN,
            branch=one.source_branch,
            target=one.target_branch,
            head=one.sha,
            title=one.title,
            body=one.description or "",
            url=one.web_url,
            # A fast-forward has no commit of its own.
            merge_commit=(one.merge_commit_sha or one.sha) if is_merged else None,
        )


def _review(user: _User | None, state: ReviewState, at: str | None, comment: str = "") -> ForgeReview:
    return ForgeReview(actor=user.username if user else "ghost", state=state, commit=None, at=at or "", comment=comment)
