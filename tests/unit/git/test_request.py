"""Requests: inference, aliases, combinations, names."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.git.request import RefMode, RefRequest, check_ref_name

AT = "2026-05-31T17:00:00Z"
STAMP = "2026-05-31T170000Z"
TAG = f"refs/tags/memory/snapshots/{STAMP}"


@pytest.mark.parametrize(
    ("fields", "mode", "ref"),
    [
        ({}, RefMode.CURRENT, None),
        ({"requestedRef": "main"}, RefMode.CURRENT, None),
        ({"requestedRef": "refs/heads/main"}, RefMode.CURRENT, None),
        ({"requestedAt": AT}, RefMode.REF_AT_TIME, None),
        ({"requestedAt": AT, "requestedRef": "main"}, RefMode.REF_AT_TIME, None),
        ({"requestedAt": AT, "resolutionPolicy": "latest-commit-before-or-at"}, RefMode.REF_AT_TIME, None),
        ({"requestedRef": TAG}, RefMode.SNAPSHOT_TAG, TAG),
        ({"requestedRef": STAMP, "mode": "snapshot-tag"}, RefMode.SNAPSHOT_TAG, TAG),
        ({"requestedRef": f"memory/snapshots/{STAMP}", "mode": "snapshot-tag"}, RefMode.SNAPSHOT_TAG, TAG),
        ({"requestedRef": TAG, "mode": "explicit-ref"}, RefMode.EXPLICIT_REF, TAG),
        ({"requestedRef": "main", "mode": "explicit-ref"}, RefMode.EXPLICIT_REF, "main"),
        ({"requestedRef": "topic"}, RefMode.EXPLICIT_REF, "topic"),
        ({"requestedRef": "refs/heads/-x"}, RefMode.EXPLICIT_REF, "refs/heads/-x"),
        ({"ref": "topic", "requested": "topic"}, RefMode.EXPLICIT_REF, "topic"),
        ({"refAt": AT, "requestedRefAt": AT, "requestedAt": AT}, RefMode.REF_AT_TIME, None),
        ({"requestedRef": None, "ref": "topic", "mode": None}, RefMode.EXPLICIT_REF, "topic"),
        ({"ref": "topic", "requireApprovedCommit": False}, RefMode.EXPLICIT_REF, "topic"),
    ],
)
def test_the_mode_follows_from_the_fields(fields: dict[str, Any], mode: RefMode, ref: str | None) -> None:
    settled = RefRequest.from_fields(fields).settle("main")
    assert (settled.mode, settled.requested_ref) == (mode, ref)


@pytest.mark.parametrize(
    "fields",
    [
        {"requestedRef": "topic", "ref": "other"},
        {"requestedAt": AT, "refAt": "2026-05-31T19:00:00+02:00"},
        {"requestedAt": AT, "requestedRef": "topic"},
        {"requestedAt": AT, "requestedRef": "main", "mode": "current"},
        {"requestedAt": AT, "requestedRef": "topic", "mode": "explicit-ref"},
        {"requestedAt": AT, "requestedRef": TAG, "mode": "snapshot-tag"},
        {"requestedRef": "topic", "mode": "current"},
        {"requestedRef": "topic", "mode": "ref-at-time", "requestedAt": AT},
        {"mode": "explicit-ref"},
        {"mode": "snapshot-tag"},
        {"mode": "ref-at-time"},
        {"mode": "snapshot-tag", "requestedRef": "v1"},
        {"requestedRef": "refs/tags/memory/snapshots/latest"},
        {"mode": "newest"},
        {"mode": 1},
        {"requestedRef": 12345},
        {"requestedRef": ["main"]},
        {"resolutionPolicy": "earliest"},
        {"requireApprovedCommit": False},
        {"requireApprovedCommit": False, "requestedAt": AT},
        {"requireApprovedCommit": "no", "requestedRef": "topic"},
        {"commit": "x"},
        {"requestedRef": ""},
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        RefRequest.from_fields(fields).settle("main")
    assert caught.value.code == "MEMORY_REF_INVALID"
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "", "-x", "--all", "main~1", "main^", "main^{tree}", "HEAD@{1}", "@{u}", "@", ":/text", "main:path", "a..b",
        "*", "refs/heads/*", "m?in", "[m]ain", "two words", "a\\b", "/main", "main/", "a//b", ".hidden", "a/.b",
        "a.lock", "a.lock/b", "main.", "tab\t", "nul\0", "new\nline", "x" * 2_000, "two days ago", "\ud800",
    ],
)  # fmt: skip
def test_expressions_options_and_impossible_names_are_not_interpreted(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_ref_name(name)
    assert caught.value.code == "MEMORY_REF_INVALID"
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["main", "feature/x-1", "v1.0", "ünïcode", "a@b", "a{b}", "HEAD", "refs/heads/-x", "日本"]
)
def test_names_git_allows_are_allowed(name: str) -> None:
    check_ref_name(name)
