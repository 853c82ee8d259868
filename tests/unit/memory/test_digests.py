"""Digests of an answer: made from nothing but the answer and the question."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from krate_gitops.digest import sha256_digest
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.scope import SCOPE


def canonical(value: Any) -> str:
    """The digest of a value as the contract writes it, without the code under test."""

    def without_nulls(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: without_nulls(item) for name, item in one.items() if item is not None}
        return [without_nulls(item) for item in one] if isinstance(one, list) else one

    text = json.dumps(without_nulls(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "start"), [({}, "44136fa355b3678a"), ([], "4f53cda18c2baa0c"), ({"b": 1, "a": "é"}, "aa58fba8483623be")]
)
def test_the_digest_written_down_here_is_that_of_the_contract(value: Any, start: str) -> None:
    assert canonical(value).startswith(f"sha256:{start}")


def test_every_digest_of_an_answer_can_be_made_from_the_answer(make: Make) -> None:
    world = make(SCOPE)
    found = world.ask("needle", include=("notes/other.md", "notes/names.md:3"))
    plain = json.loads(msgspec.json.encode(found))
    preview = plain["snapshotPreview"]
    assert preview["selectedRecordsDigest"] == canonical(
        [{n: item[n] for n in ("id", "kind", "path", "digest")} for item in plain["records"]]
    )
    assert preview["selectedExcerptsDigest"] == canonical(
        [{n: item[n] for n in ("path", "lineStart", "lineEnd", "digest")} for item in plain["excerpts"]]
    )
    assert preview["selectedDocumentsDigest"] == canonical(
        [{n: item[n] for n in ("path", "id", "digest")} for item in plain["documents"]]
    )
    for item in plain["excerpts"]:
        assert item["digest"] == sha256_digest(item["text"].encode())
        assert item["fileDigest"] == sha256_digest(SCOPE[item["path"]].encode())
    for item in (*plain["records"], *plain["documents"]):
        assert item["digest"] == sha256_digest(SCOPE[item["path"]].encode())
    for kind in ("records", "excerpts", "documents"):
        ranks = [item["rank"] for item in plain[kind]]
        assert ranks == sorted(ranks)


def test_an_empty_selection_has_the_digest_of_an_empty_list(make: Make) -> None:
    preview = make({}).ask("nothing").snapshot_preview
    assert {preview.selected_records_digest, preview.selected_excerpts_digest, preview.selected_documents_digest} == {
        canonical([])
    }


REORDERED: dict[str, Any] = {
    "kinds": ("Service", "Runbook"),
    "owners": ("team:x", "team:y"),
    "tags": ("a", "b"),
    "ids": ("service:s", "service:t"),
    "statuses": ("draft", "approved"),
    "repo_refs": ("repository:a", "repository:b"),
    "edge_kinds": ("x", "y"),
    "paths": ("a", "b"),
    "include": ("service:s", "notes/other.md"),
    "exclude": ("c", "d"),
    "consumer": {"skills": ("s", "t")},
}


def test_the_order_in_which_sets_are_given_changes_no_digest_and_no_answer(make: Make) -> None:
    world = make(SCOPE)
    other = {
        name: {"skills": ("t", "s", "t")} if name == "consumer" else (*value[::-1], value[0])
        for name, value in REORDERED.items()
    }
    assert msgspec.json.encode(world.ask("needle", **REORDERED)) == msgspec.json.encode(world.ask("needle", **other))


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "needles"},
        {"mode": "graph-only"},
        {"edge_depth": 1},
        {"max_bytes": 1000},
        {"max_records": 3},
        {"context_lines": 0},
        {"regex": True},
        {"case_sensitive": True},
        {"intent": "debug"},
        {"consumer": {"user": "u"}},
        {"ranking_version": 1},
        {"include": ("service:s",)},
        {"kinds": ("Service",)},
        {"direction": "out"},
        {"exclude": ("x",)},
    ],
    ids=str,
)
def test_whatever_decides_the_answer_is_in_the_digest_of_the_query(make: Make, asked: dict[str, Any]) -> None:
    world = make(SCOPE)
    digests = [world.ask(**({"text": "needle"} | one)).snapshot_preview.query_manifest_digest for one in ({}, asked)]
    assert digests[0] != digests[1]


def test_the_policy_is_in_the_digest_of_the_query_and_the_clock_is_not(
    make: Make, allow: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(SCOPE)
    one = world.ask("needle")
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert world.ask("needle") == one
    other = world.ask("needle", allow({"include": {}, "readPolicy": {"mode": "allow-all"}}))
    assert other.snapshot_preview.query_manifest_digest != one.snapshot_preview.query_manifest_digest
