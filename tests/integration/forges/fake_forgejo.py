"""Forgejo and Gitea, as far as pull requests need them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.integration.forges.fake import Answer, FakeForge, Seen, one_of, paged
from tests.integration.forges.world import NAME, OWNER, REPOSITORY, Pull, Refused

_REVIEWS = {
    "approved": "APPROVED",
    "changes-requested": "REQUEST_CHANGES",
    "commented": "COMMENT",
    "pending": "PENDING",
}


class FakeForgejo(FakeForge):
    root = "/api/v1"

    def authorization(self, token: str) -> str:
        return f"token {token}"

    def route(self, seen: Seen, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world, prefix = self.world, f"/repos/{OWNER}/{NAME}"
        if not seen.path.startswith(f"{prefix}/"):
            return Answer(404, {"message": "The target couldn't be found."})
        call = f"{seen.method} {seen.path.removeprefix(prefix)}"
        if call == "GET /pulls":
            state = one_of(query, "state", "open")
            return self.page([self.pull(one) for one in reversed(world.pulls.values()) if one.state == state], query)
        if call == "POST /pulls":
            return Answer(
                201, self.pull(world.open(content["title"], content["body"], content["head"], content["base"]))
            )
        if call == "GET /labels":
            return self.page([{"id": number, "name": name} for name, number in world.label_ids.items()], query)
        if call == "POST /labels":
            world.label_ids[content["name"]] = len(world.label_ids) + 1
            return Answer(201, {"id": world.label_ids[content["name"]], "name": content["name"]})
        if found_branch := re.fullmatch(r"(GET|DELETE) /branches/(.+)", call):
            branch = unquote(found_branch[2])
            if branch not in world.branches:
                raise Refused(404, "branch does not exist")
            if found_branch[1] == "DELETE":
                del world.branches[branch]
                return Answer(204)
            return Answer(200, {"name": branch, "commit": {"id": world.branches[branch]}})
        if found_commit := re.fullmatch(r"(GET|POST) /statuses/([0-9a-f]+)", call):
            if found_commit[1] == "POST":
                world.set_status(found_commit[2], content["state"], content["context"], content["description"])
            statuses = [
                {"id": one.id, "status": one.state, "context": one.context, "description": one.description}
                for one in reversed(world.statuses.get(found_commit[2], []))
            ]
            return Answer(201, statuses[0]) if found_commit[1] == "POST" else self.page(statuses, query)
        return self.of_pull(call, query, content)

    def of_pull(self, call: str, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world = self.world
        found = re.fullmatch(r"(\w+) /(?:pulls|issues)/(\d+)(/\w+)?", call)
        if found is None:
            raise Refused(404, "not found")
        verb, pull, rest = found[1], world.pull(int(found[2])), found[3] or ""
        if (verb, rest) == ("GET", ""):
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("PATCH", ""):
            pull.title, pull.body = content.get("title", pull.title), content.get("body", pull.body)
            if content.get("state") == "closed":
                world.close(pull.number)
            return Answer(201, self.pull(pull))
        if (verb, rest) == ("POST", "/merge"):
            assert content["Do"] == "merge"
            world.merge(pull.number, content.get("head_commit_id"))
            return Answer(200)
        if (verb, rest) == ("POST", "/labels"):
            names = {number: name for name, number in world.label_ids.items()}
            pull.labels += [names[one] for one in content["labels"] if names[one] not in pull.labels]
            return Answer(200, [{"id": world.label_ids[one], "name": one} for one in pull.labels])
        if (verb, rest) == ("POST", "/comments"):
            pull.comments.append(content["body"])
            return Answer(201, {"id": 1, "body": content["body"]})
        if (verb, rest) == ("POST", "/requested_reviewers"):
            users, teams = content.get("reviewers", []), content.get("team_reviewers", [])
            if set(users) - world.users.keys() or set(teams) - world.teams:
                raise Refused(404, "user does not exist")
            pull.reviewers += [one for one in (*users, *teams) if one not in pull.reviewers]
            return Answer(201, [])
        if (verb, rest) == ("GET", "/reviews"):
            reviews = [
                {
                    "id": at,
                    "user": None if one.actor == "ghost" else {"login": one.actor},
                    "state": _REVIEWS.get(one.state, "APPROVED"),
                    "dismissed": one.state == "dismissed",
                    "commit_id": one.commit,
                    "submitted_at": one.at,
                    "body": one.text,
                }
                for at, one in enumerate(pull.reviews, 1)
            ]
            return self.page(reviews, query, has_link=False)
        raise Refused(404, "not found")

    def pull(self, pull: Pull) -> dict[str, Any]:
        return {
            "number": pull.number,
            "state": "open" if pull.state == "open" else "closed",
            "title": pull.title,
            "body": pull.body,
            "html_url": f"https://forgejo.example/{REPOSITORY}/pulls/{pull.number}",
            "head": {"ref": pull.branch, "sha": self.world.head(pull), "repo_id": 8 if pull.is_fork else 7},
            "base": {"ref": pull.target, "sha": "0" * 40, "repo_id": 7},
            "merged": pull.state == "merged",
            "merge_commit_sha": pull.merge_commit,
        }

    def page(self, items: list[Any], query: dict[str, list[str]], *, has_link: bool = True) -> Answer:
        shown, number, has_more = paged(items, query, "limit", 50)
        headers = {"X-Total-Count": str(len(items))}
        if has_link and has_more:
            headers["Link"] = f'<http://203.0.113.1/next?page={number + 1}>; rel="next"'
        return Answer(200, shown, headers)
