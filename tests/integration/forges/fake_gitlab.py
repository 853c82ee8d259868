"""GitLab, as far as merge requests need it.

The description at hand is of version 3 of its interface. Version 4 has the same calls under another root, with a merge
request's number within the project for its number; what it added since is named here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.integration.forges.description import Operation
from tests.integration.forges.fake import Answer, FakeForge, Seen, one_of, paged
from tests.integration.forges.world import REPOSITORY, Pull, Refused

_ADDED_PARAMETERS = {
    "GET /v3/projects/{id}/merge_requests": {"source_branch", "target_branch"},
    "GET /v3/projects/{id}/merge_requests/{noteable_id}/notes": {"sort", "order_by"},
}
_TEXT, _FLAG, _NUMBERS = {"type": "string"}, {"type": "boolean"}, {"type": "array", "items": {"type": "integer"}}
_ADDED_FIELDS: dict[str, dict[str, Any]] = {
    "POST /v3/projects/{id}/merge_requests": {"squash": _FLAG, "reviewer_ids": _NUMBERS},
    "PUT /v3/projects/{id}/merge_requests/{merge_request_id}": {"add_labels": _TEXT, "reviewer_ids": _NUMBERS},
    "PUT /v3/projects/{id}/merge_requests/{merge_request_id}/merge": {"squash": _FLAG},
}
_ADDED_CALLS = (r"GET /projects/[^/]+/merge_requests/\d+/(approvals|reviewers)",)


class FakeGitLab(FakeForge):
    root = "/api/v4"

    def authorization(self, token: str) -> str:
        return f"Bearer {token}"

    def described_path(self, path: str) -> str:
        return f"/v3{path}"

    def more_parameters(self, name: str) -> frozenset[str]:
        return frozenset(_ADDED_PARAMETERS.get(name, ()))

    def more_fields(self, name: str) -> dict[str, Any]:
        return _ADDED_FIELDS.get(name, {})

    def check(self, seen: Seen) -> Operation | None:
        if any(re.fullmatch(one, f"{seen.method} {seen.path}") for one in _ADDED_CALLS):
            return None
        super().check(seen)
        # Answers differ more between the versions than requests do.
        return None

    def route(self, seen: Seen, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world = self.world
        if seen.path == "/users":
            name = one_of(query, "username")
            return Answer(200, [{"id": world.users[name], "username": name}] if name in world.users else [])
        parts = seen.path.split("/", 3)
        if unquote(parts[2]) != REPOSITORY:
            return Answer(404, {"message": "404 Project Not Found"})
        call = f"{seen.method} /{parts[3] if len(parts) > 3 else ''}"
        if call == "GET /":
            return Answer(200, {"id": 7, "merge_method": world.merge_method})
        if call == "GET /merge_requests":
            source, target = one_of(query, "source_branch"), one_of(query, "target_branch")
            return self.page(
                [
                    self.pull(one)
                    for one in world.pulls.values()
                    if one.state == "open" and one.branch == source and one.target == target
                ],
                query,
            )
        if call == "POST /merge_requests":
            branches = content["source_branch"], content["target_branch"]
            return Answer(201, self.pull(world.open(content["title"], content["description"], *branches)))
        if found_branch := re.fullmatch(r"(GET|DELETE) /repository/branches/([^/]+)", call):
            branch = unquote(found_branch[2])
            if branch not in world.branches:
                raise Refused(404, "404 Branch Not Found")
            if found_branch[1] == "DELETE":
                del world.branches[branch]
                return Answer(204)
            return Answer(200, {"name": branch, "commit": {"id": world.branches[branch]}})
        if found_commit := re.fullmatch(r"GET /repository/commits/([0-9a-f]+)/statuses", call):
            statuses = [
                {"id": one.id, "status": one.state, "name": one.context, "description": one.description}
                for one in world.statuses.get(found_commit[1], [])
                if one.context == one_of(query, "name")
            ]
            return self.page(statuses, query)
        if found_commit := re.fullmatch(r"POST /statuses/([0-9a-f]+)", call):
            known = [one for one in world.statuses.get(found_commit[1], []) if one.context == content["name"]]
            if known and known[-1].state == content["state"]:
                raise Refused(400, "Cannot transition status via :enqueue from :pending")
            one = world.set_status(found_commit[1], content["state"], content["name"], content["description"])
            return Answer(201, {"id": one.id, "status": one.state, "name": one.context})
        return self.of_pull(call, query, content)

    def of_pull(self, call: str, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world = self.world
        found = re.fullmatch(r"(\w+) /merge_requests/(\d+)(/\w+)?", call)
        if found is None:
            raise Refused(404, "404 Not Found")
        verb, pull, rest = found[1], world.pull(int(found[2])), found[3] or ""
        if (verb, rest) == ("GET", ""):
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("PUT", ""):
            pull.title, pull.body = content.get("title", pull.title), content.get("description", pull.body)
            pull.labels += [one for one in content.get("add_labels", "").split(",") if one and one not in pull.labels]
            if "reviewer_ids" in content:
                names = {number: name for name, number in world.users.items()}
                pull.reviewers = [names[one] for one in content["reviewer_ids"]]
            if content.get("state_event") == "close":
                world.close(pull.number)
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("PUT", "/merge"):
            assert content["squash"] is False
            world.merge(pull.number, content.get("sha"))
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("POST", "/notes"):
            pull.comments.append(content["body"])
            return Answer(201, {"id": 1, "body": content["body"]})
        if (verb, rest) == ("GET", "/approvals"):
            found_reviews = [one for one in pull.reviews if one.state == "approved"]
            return Answer(
                200, {"approved_by": [{"user": self.user(one.actor), "approved_at": one.at} for one in found_reviews]}
            )
        if (verb, rest) == ("GET", "/reviewers"):
            asked = [{"user": self.user(one), "state": "unreviewed", "created_at": None} for one in pull.reviewers]
            asked += [
                {"user": self.user(one.actor), "state": "requested_changes", "created_at": one.at}
                for one in pull.reviews
                if one.state == "changes-requested"
            ]
            return Answer(200, asked)
        if (verb, rest) == ("GET", "/notes"):
            notes = [
                {"id": at, "author": self.user(one.actor), "body": one.text, "created_at": one.at, "system": False}
                for at, one in enumerate(pull.reviews, 1)
                if one.state == "commented"
            ]
            notes.insert(
                0,
                {
                    "id": 0,
                    "author": self.user("dana"),
                    "body": "approved this merge request",
                    "created_at": "2026-01-01T00:00:00Z",
                    "system": True,
                },
            )
            return self.page(notes, query)
        raise Refused(404, "404 Not Found")

    def user(self, name: str) -> dict[str, Any]:
        return {"id": self.world.users.get(name, 99), "username": name}

    def pull(self, pull: Pull) -> dict[str, Any]:
        return {
            "iid": pull.number,
            "id": 1000 + pull.number,
            "state": {"open": "opened"}.get(pull.state, pull.state),
            "title": pull.title,
            "description": pull.body,
            "web_url": f"https://gitlab.example/{REPOSITORY}/-/merge_requests/{pull.number}",
            "source_branch": pull.branch,
            "target_branch": pull.target,
            "source_project_id": 8 if pull.is_fork else 7,
            "target_project_id": 7,
            "sha": self.world.head(pull),
            "merge_commit_sha": pull.merge_commit,
            "labels": pull.labels,
        }

    def page(self, items: list[Any], query: dict[str, list[str]]) -> Answer:
        shown, number, has_more = paged(items, query, "per_page", 100)
        return Answer(200, shown, {"X-Next-Page": str(number + 1) if has_more else "", "X-Total": str(len(items))})
