"""Names, branches and digests of updates."""

from __future__ import annotations

import hashlib
import re

import pytest

from krate_gitops.updates.model import Action, ChangeItem, Proposer, UpdateKind
from krate_gitops.updates.names import branch_of, component, diff_digest, idempotency_key, update_name

AGENT, USER, CONTROLLER = Proposer("Agent", "ci"), Proposer("User", "ana"), Proposer("Controller", "imports")
NAME = "amu-0123456789ab"


def sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


ITEMS = (
    ChangeItem(path="b.md", action=Action.RENAME, new_path="c.md", base_digest="sha256:1", reason="why"),
    ChangeItem(path="a.md", action=Action.CREATE, content_digest="sha256:2", content_ref="artifact:x", reason="ü"),
)


def test_the_diff_digest_is_that_of_canonical_json_sorted_by_path() -> None:
    by_hand = (
        '[{"action":"create","contentDigest":"sha256:2","path":"a.md"},'
        '{"action":"rename","baseDigest":"sha256:1","newPath":"c.md","path":"b.md"}]'
    )
    assert diff_digest(ITEMS) == sha256(by_hand)
    assert diff_digest(ITEMS[::-1]) == diff_digest(ITEMS)
    assert diff_digest(()) == sha256("[]")


def test_neither_reasons_nor_places_of_contents_change_the_diff_digest() -> None:
    other = [
        ChangeItem(
            path=one.path, action=one.action, new_path=one.new_path, base_digest=one.base_digest,
            content_digest=one.content_digest, reason="another", content_ref="elsewhere",
        )
        for one in ITEMS
    ]  # fmt: skip
    assert diff_digest(other) == diff_digest(ITEMS)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "z.md"},
        {"action": Action.UPSERT},
        {"new_path": "n.md"},
        {"base_digest": "sha256:9"},
        {"content_digest": "sha256:9"},
    ],
)
def test_everything_else_changes_it(change: dict[str, object]) -> None:
    fields = {name: getattr(ITEMS[1], name) for name in ITEMS[1].__struct_fields__} | change
    assert diff_digest((ITEMS[0], ChangeItem(**fields))) != diff_digest(ITEMS)


def test_the_natural_key_is_organization_repository_run_and_diff() -> None:
    def key(**other: object) -> str:
        told = {
            "organization": "acme", "repository": "brain", "source_run": "adr-1", "proposer": AGENT,
            "digest": "sha256:1", "branch": "main",
        } | other  # fmt: skip
        return idempotency_key(**told)  # type: ignore[arg-type]

    assert key() == key()
    assert key() == key(proposer=Proposer("Agent", "another of the same run"))
    for other in (
        {"organization": "b"},
        {"repository": "b"},
        {"source_run": "adr-2"},
        {"digest": "b"},
        {"branch": "b"},
    ):
        assert key(**other) != key()
    alone = key(source_run=None, proposer=USER)
    assert alone != key(source_run=None, proposer=Proposer("User", "bo"))
    assert alone != key(source_run=None, proposer=Proposer("Agent", "ana"))


def test_a_name_is_twelve_digits_of_key_and_attempt() -> None:
    names = {update_name("k", attempt) for attempt in range(20)} | {update_name("l", 0)}
    assert len(names) == 21
    assert all(re.fullmatch(r"amu-[0-9a-f]{12}", name) for name in names)
    assert update_name("k", 0) == update_name("k", 0)


@pytest.mark.parametrize(
    ("kind", "proposer", "run", "ordinal", "branch"),
    [
        (UpdateKind.PROPOSED_PR, AGENT, "adr-5b1f0c9d27ae", 1, "krate/agent-memory/adr-5b1f0c9d27ae"),
        (UpdateKind.PROPOSED_PR, AGENT, "adr-5b1f0c9d27ae", 2, "krate/agent-memory/adr-5b1f0c9d27ae-2"),
        (UpdateKind.PROPOSED_PR, AGENT, "adr-5b1f0c9d27ae", 3, "krate/agent-memory/adr-5b1f0c9d27ae-3"),
        (UpdateKind.REVIEW_BRANCH, AGENT, "adr-1", 1, "krate/agent-memory/adr-1"),
        (UpdateKind.PROPOSED_PR, USER, "adr-1", 1, "krate/agent-memory/adr-1"),
        (UpdateKind.PROPOSED_PR, USER, None, 1, f"krate/memory-edit/{NAME}"),
        (UpdateKind.PROPOSED_PR, CONTROLLER, None, 1, f"krate/memory-edit/{NAME}"),
        (UpdateKind.PROPOSED_PR, CONTROLLER, "import-84e2a91f33d6", 1, "krate/memory-import/84e2a91f33d6"),
        (UpdateKind.REVERT, USER, None, 1, f"krate/memory-revert/{NAME}"),
        (UpdateKind.REVERT, USER, "adr-1", 1, f"krate/memory-revert/{NAME}"),
        (UpdateKind.PROPOSED_PR, AGENT, "Run_42/ü x", 1, "krate/agent-memory/run_42-x"),
        (UpdateKind.PROPOSED_PR, AGENT, "..", 1, "krate/agent-memory/x"),
        # A run that calls itself an import is none.
        (UpdateKind.PROPOSED_PR, AGENT, "import-84e2a91f33d6", 1, "krate/agent-memory/import-84e2a91f33d6"),
    ],
)  # fmt: skip
def test_branches_tell_their_purpose(
    kind: UpdateKind, proposer: Proposer, run: str | None, ordinal: int, branch: str
) -> None:
    assert branch_of(kind, proposer, source_run=run, name=NAME, ordinal=ordinal) == branch


@pytest.mark.parametrize(
    "text",
    ["a", "A" * 300, "-._a", "a..b", "a...b", "x.lock", "x.lock.lock", "x.lock.", "a~^:?*[\\ b", "ÄÖ", "", ".", "@{",
     "İ",
     "a" * 59 + ".lockx", "a" * 62 + ".", "a" * 62 + "..b"],
)  # fmt: skip
@pytest.mark.parametrize("ordinal", [1, 2, 12345])
def test_whatever_a_run_is_called_its_branch_has_a_lawful_name(text: str, ordinal: int) -> None:
    branch = branch_of(UpdateKind.PROPOSED_PR, AGENT, source_run=text or None, name=NAME, ordinal=ordinal)
    part = branch.rpartition("/")[2]
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", part), part
    assert ".." not in part
    assert not part.endswith((".lock", "."))
    if text and ordinal > 1:
        assert part.endswith(f"-{ordinal}")


def test_a_component_is_lower_case_with_dashes() -> None:
    assert component("Payments API (v2)") == "payments-api-v2-"
    assert component("abc", 2) == "ab"
