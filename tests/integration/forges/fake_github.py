"""GitHub, as far as pull requests need it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.integration.forges.fake import Answer, FakeForge, Seen, one_of, paged
from tests.integration.forges.world import NAME, OWNER, REPOSITORY, Pull, Refused


class FakeGitHub(FakeForge):
    def authorization(self, token: str) -> str:
        return f"Bearer {token}"

    def route(self, seen: Seen, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world, prefix = self.world, f"/repos/{OWNER}/{NAME}"
        if not seen.path.startswith(f"{prefix}/"):
            return Answer(404, {"message": "Not Found"})
        call = f"{seen.method} {seen.path.removeprefix(prefix)}"
        if call == "GET /pulls":
            head, base = one_of(query, "head").partition(":")[2], one_of(query, "base")
            found = [
                self.pull(one)
                for one in world.pulls.values()
                if one.state == "open" and one.branch == head and one.target == base
            ]
            return self.page(found, query)
        if call == "POST /pulls":
            try:
                pull = world.open(content["title"], content["body"], content["head"], content["base"])
            except Refused as refused:
                raise Refused(422, f"Validation Failed: {refused}") from None
            return Answer(201, self.pull(pull))
        if found_ref := re.fullmatch(r"(GET|DELETE) /git/refs?/heads/(.+)", call):
            branch = unquote(found_ref[2])
            if branch not in world.branches:
                raise Refused(404, "Not Found")
            if found_ref[1] == "DELETE":
                del world.branches[branch]
                return Answer(204)
            return Answer(
                200, {"ref": f"refs/heads/{branch}", "object": {"sha": world.branches[branch], "type": "commit"}}
            )
        if found_commit := re.fullmatch(r"GET /commits/([0-9a-f]+)/statuses", call):
            statuses = [
                {"id": one.id, "state": one.state, "context": one.context, "description": one.description}
                for one in reversed(world.statuses.get(found_commit[1], []))
            ]
            return self.page(statuses, query)
        if found_commit := re.fullmatch(r"POST /statuses/([0-9a-f]+)", call):
            one = world.set_status(found_commit[1], content["state"], content["context"], content["description"])
            return Answer(
                201, {"id": one.id, "state": one.state, "context": one.context, "description": one.description}
            )
        return self.of_pull(call, query, content)

    def of_pull(self, call: str, query: dict[str, list[str]], content: dict[str, Any]) -> Answer:
        world = self.world
        found = re.fullmatch(r"(\w+) /(?:pulls|issues)/(\d+)(/\w+)?", call)
        if found is None:
            raise Refused(404, "Not Found")
        verb, pull, rest = found[1], world.pull(int(found[2])), found[3] or ""
        if (verb, rest) == ("GET", ""):
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("PATCH", ""):
            pull.title, pull.body = content.get("title", pull.title), content.get("body", pull.body)
            if content.get("state") == "closed":
                world.close(pull.number)
            return Answer(200, self.pull(pull))
        if (verb, rest) == ("PUT", "/merge"):
            commit = world.merge(pull.number, content.get("sha"))
            return Answer(200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"})
        if (verb, rest) == ("POST", "/labels"):
            pull.labels += [one for one in content["labels"] if one not in pull.labels]
            return Answer(200, [{"id": 1, "name": one} for one in pull.labels])
        if (verb, rest) == ("POST", "/comments"):
            pull.comments.append(content["body"])
            return Answer(201, {"id": 1, "body": content["body"]})
        if (verb, rest) == ("POST", "/requested_reviewers"):
            users, teams = content.get("reviewers", []), content.get("team_reviewers", [])
            if set(users) - world.users.keys() or set(teams) - world.teams:
                raise Refused(422, "Reviews may only be requested from collaborators.")
            pull.reviewers += [one for one in (*users, *teams) if one not in pull.reviewers]
            return Answer(201, self.pull(pull))
        if (verb, rest) == ("GET", "/reviews"):
            reviews = [
                {
                    "id": at,
                    "user": None if one.actor == "ghost" else {"login": one.actor},
                    "state": one.state.upper().replace("-", "_"),
                    "commit_id": one.commit,
                    "submitted_at": one.at,
                    "body": one.text,
                }
                for at, one in enumerate(pull.reviews, 1)
            ]
            return self.page(reviews, query)
        raise Refused(404, "Not Found")

    def pull(self, pull: Pull) -> dict[str, Any]:
        head_repository = f"somebody/{NAME}" if pull.is_fork else REPOSITORY
        return {
            "number": pull.number,
            "state": "open" if pull.state == "open" else "closed",
            "title": pull.title,
            "body": pull.body,
            "html_url": f"https://github.example/{REPOSITORY}/pull/{pull.number}",
            "head": {"ref": pull.branch, "sha": self.world.head(pull), "repo": {"full_name": head_repository}},
            "base": {"ref": pull.target, "sha": "0" * 40, "repo": {"full_name": REPOSITORY}},
            "merged_at": "2026-06-01T10:00:00Z" if pull.state == "merged" else None,
            # Of an open one it names a commit too, which tries the merge.
            "merge_commit_sha": pull.merge_commit or "f" * 40,
        }

    def page(self, items: list[Any], query: dict[str, list[str]]) -> Answer:
        shown, number, has_more = paged(items, query, "per_page", 100)
        # The address in it is nobody's to follow.
        link = {"Link": f'<http://203.0.113.1/next?page={number + 1}>; rel="next"'} if has_more else {}
        return Answer(200, shown, link)
