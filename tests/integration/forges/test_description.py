"""The check of requests is one: what isn't as a forge describes it is found."""

from __future__ import annotations

import json

import pytest

from tests.integration.forges.description import load_description

PULLS = "/repos/acme/company-brain/pulls"
GITLAB = "/v3/projects/acme%2Fcompany-brain"


def faults_of(name: str, verb: str, path: str, query: str = "", body: object = None) -> list[str]:
    found = load_description(name).operation(verb, path)
    if found is None:
        return ["isn't described"]
    operation, values = found
    sent = b"" if body is None else json.dumps(body).encode()
    return operation.check_path(values) + operation.check_query(query) + operation.check_body(sent)


@pytest.mark.parametrize(
    ("name", "verb", "path", "query", "body"),
    [
        ("github", "GET", PULLS, "state=open&head=acme%3Akrate%2Fx&base=main&per_page=100&page=2", None),
        ("github", "POST", PULLS, "", {"title": "t", "head": "krate/x", "base": "main"}),
        ("github", "PUT", f"{PULLS}/7/merge", "", {"sha": "0" * 40, "merge_method": "merge"}),
        ("github", "GET", "/repos/acme/company-brain/git/ref/heads/krate/x", "", None),
        ("gitea", "POST", f"{PULLS}/7/merge", "", {"Do": "merge", "head_commit_id": "0" * 40}),
        ("gitlab", "POST", f"{GITLAB}/merge_requests", "", {"title": "t", "source_branch": "a", "target_branch": "b"}),
    ],
)
def test_what_is_described_passes(name: str, verb: str, path: str, query: str, body: object) -> None:
    assert faults_of(name, verb, path, query, body) == []


@pytest.mark.parametrize(
    ("name", "verb", "path", "query", "body"),
    [
        ("github", "GET", f"{PULLS}x", "", None),
        ("github", "DELETE", PULLS, "", None),
        ("github", "GET", f"{PULLS}/seven", "", None),
        ("github", "GET", PULLS, "state=opened", None),
        ("github", "GET", PULLS, "branch=krate/x", None),
        ("github", "GET", PULLS, "page=two", None),
        ("github", "POST", PULLS, "", None),
        ("github", "POST", PULLS, "", {"title": "t", "head": "krate/x"}),
        ("github", "POST", PULLS, "", {"title": "t", "head": "krate/x", "base": "main", "target": "main"}),
        ("github", "POST", PULLS, "", {"title": 7, "head": "krate/x", "base": "main"}),
        ("github", "PUT", f"{PULLS}/7/merge", "", {"merge_method": "fast"}),
        ("github", "POST", "/repos/acme/company-brain/statuses/abc", "", {"state": "failed"}),
        ("gitea", "POST", f"{PULLS}/7/merge", "", {"head_commit_id": "0" * 40}),
        ("gitea", "POST", f"{PULLS}/7/merge", "", {"Do": "merge", "sha": "0" * 40}),
        ("gitlab", "POST", f"{GITLAB}/statuses/abc", "", {"state": "failure"}),
        ("gitlab", "POST", f"{GITLAB}/merge_requests", "", {"title": "t", "head": "a", "base": "b"}),
    ],
)
def test_what_is_not_described_is_found(name: str, verb: str, path: str, query: str, body: object) -> None:
    assert faults_of(name, verb, path, query, body) != []


def test_answers_are_held_against_the_description_too() -> None:
    found = load_description("github").operation("GET", f"{PULLS}/7")
    assert found is not None
    operation, _ = found
    assert operation.check_answer(200, b'{"number": 7, "merge_commit_sha": null}') == []
    assert operation.check_answer(200, b'{"nummer": 7}') != []
    assert operation.check_answer(200, b'{"number": "7"}') != []
    assert operation.check_answer(299, b"{}") != []
