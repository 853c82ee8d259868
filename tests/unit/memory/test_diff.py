"""Two commits side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from tests.unit.memory.conftest import Policy
from tests.unit.memory.hostile import TOKEN
from tests.unit.memory.past import A2, A, Past
from tests.unit.memory.world import record


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    with ExitStack() as stack:
        yield Past(tmp_path, stack)


def test_records_are_compared_by_identity_and_documents_by_path(past: Past) -> None:
    old = past.commit(
        {
            "graph/a.yaml": A,
            "graph/b.yaml": A.replace("service:a", "service:b"),
            "graph/c.yaml": A.replace("service:a", "service:c"),
            "notes/n.md": "one\n",
            "notes/gone.md": "gone\n",
        }
    )
    new = past.commit(
        {
            "graph/a.yaml": A2,
            "graph/b.yaml": None,
            "graph/z/c.yaml": A2.replace("service:a", "service:c"),
            "graph/c.yaml": None,
            "graph/d.yaml": A.replace("service:a", "service:d"),
            "notes/n.md": "two\n",
            "notes/gone.md": None,
            "notes/new.md": "new\n",
        }
    )
    assert past.changes(old, new) == [
        "changed record service:a graph/a.yaml",
        "removed record service:b graph/b.yaml",
        "added record service:d graph/d.yaml",
        "moved record service:c graph/z/c.yaml < graph/c.yaml",
        "changed document graph/a.yaml",
        "removed document graph/b.yaml",
        "added document graph/d.yaml",
        "moved document graph/z/c.yaml < graph/c.yaml",
        "removed document notes/gone.md",
        "changed document notes/n.md",
        "added document notes/new.md",
    ]
    assert past.diff(old, new).counts == {"added": 3, "removed": 3, "changed": 3, "moved": 2}
    assert "added record service:b graph/b.yaml" in past.changes(new, old)
    assert past.changes(old, old) == []


def test_digests_and_statuses_of_both_sides_are_told(past: Past) -> None:
    old = past.commit({"graph/a.yaml": record("Service", "service:a", status="draft")})
    new = past.commit({"graph/a.yaml": record("Service", "service:a")})
    change = past.diff(old, new).changes[0]
    assert (change.old_status, change.new_status) == ("draft", "approved")
    assert change.old_digest
    assert change.new_digest
    assert change.old_digest != change.new_digest


def test_files_without_records_move_by_their_bytes_and_only_once(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\n", "notes/b.md": "same\n", "notes/c.md": "edited\n"})
    new = past.commit(
        {
            "notes/a.md": None,
            "notes/b.md": None,
            "notes/c.md": None,
            "notes/x.md": "same\n",
            "notes/y.md": "same\n",
            "notes/z.md": "same\n",
            "notes/w.md": "edited!\n",
        }
    )
    assert past.changes(old, new) == [
        "removed document notes/c.md",
        "added document notes/w.md",
        "moved document notes/x.md < notes/a.md",
        "moved document notes/y.md < notes/b.md",
        "added document notes/z.md",
    ]


def test_a_copy_is_no_move(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\n"})
    new = past.commit({"notes/b.md": "same\n"})
    assert past.changes(old, new) == ["added document notes/b.md"]


def test_records_that_swap_files_move_and_their_files_change(past: Past) -> None:
    b = A.replace("service:a", "service:b")
    old = past.commit({"graph/1.yaml": A, "graph/2.yaml": b})
    new = past.commit({"graph/1.yaml": b, "graph/2.yaml": A})
    assert past.changes(old, new) == [
        "moved record service:b graph/1.yaml < graph/2.yaml",
        "moved record service:a graph/2.yaml < graph/1.yaml",
        "changed document graph/1.yaml",
        "changed document graph/2.yaml",
    ]


def test_records_that_move_between_files_that_stay_leave_the_files_changed(past: Past) -> None:
    past.foreign()
    one, two, three = (f"nodeKind: Service\nid: service:{name}\n" for name in "abc")
    old = past.commit(
        {"graph/x.yaml": f"{one}---\n{two}", "graph/y.yaml": three, "graph/z.yaml": A.replace("service:a", "service:z")}
    )
    new = past.commit(
        {"graph/x.yaml": two, "graph/y.yaml": f"{three}---\n{one}", "graph/z.yaml": None, "graph/w.yaml": None}
    )
    assert past.changes(old, new) == [
        "moved record service:a graph/y.yaml < graph/x.yaml",
        "removed record service:z graph/z.yaml",
        "changed document graph/x.yaml",
        "changed document graph/y.yaml",
        "removed document graph/z.yaml",
    ]


def test_two_files_that_become_one_lose_neither(past: Past) -> None:
    past.foreign()
    one, two = ("nodeKind: Service\nid: service:a\n", "nodeKind: Service\nid: service:b\n")
    old = past.commit({"graph/x.yaml": one, "graph/y.yaml": two})
    new = past.commit({"graph/x.yaml": None, "graph/y.yaml": None, "graph/z.yaml": f"{one}---\n{two}"})
    assert past.changes(old, new) == [
        "moved record service:a graph/z.yaml < graph/x.yaml",
        "moved record service:b graph/z.yaml < graph/y.yaml",
        "removed document graph/y.yaml",
        "moved document graph/z.yaml < graph/x.yaml",
    ]


def test_a_patch_shows_lines_and_the_names_of_both_sides(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\nold\n", "notes/b.md": "gone\n"})
    new = past.commit({"notes/a.md": "same\nnew\n", "notes/b.md": None, "notes/c.md": "come\n"})
    patches = {change.path: change.patch for change in past.diff(old, new, patch=True).changes}
    assert patches["notes/a.md"] == "--- notes/a.md\n+++ notes/a.md\n@@ -1,2 +1,2 @@\n same\n-old\n+new"
    assert patches["notes/b.md"] == "--- notes/b.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone"
    assert patches["notes/c.md"] == "--- /dev/null\n+++ notes/c.md\n@@ -0,0 +1 @@\n+come"
    assert all(change.patch is None for change in past.diff(old, new).changes)


def test_patches_are_redacted_on_both_sides_and_in_their_heads(past: Past) -> None:
    old = past.commit(
        {f"notes/{TOKEN}.md": f"same\n{TOKEN}\n", "notes/x.md": f"key {TOKEN}\n", f"graph/{TOKEN}.yaml": A}
    )
    new = past.commit(
        {
            f"notes/{TOKEN}.md": "same\nnew\n",
            "notes/x.md": f"changed {TOKEN} too\n",
            f"graph/{TOKEN}.yaml": None,
            "graph/m.yaml": A,
        }
    )
    text = msgspec.json.encode(past.diff(old, new, patch=True)).decode()
    assert TOKEN not in text
    assert "-[REDACTED:provider-token]" in text
    assert "+changed [REDACTED:provider-token] too" in text


def test_a_policy_judges_each_side_where_it_stands(past: Past, allow: Policy) -> None:
    secret = A.replace("service:a", "service:s")
    old = past.commit(
        {
            "graph/legal/s.yaml": secret,
            "graph/o.yaml": A,
            "notes/legal/n.md": "text\n",
            "graph/r.yaml": record("Service", "service:r", sensitivity="restricted", summary="before"),
        }
    )
    new = past.commit(
        {
            "graph/legal/s.yaml": None,
            "graph/s.yaml": secret.replace("one", "two"),
            "graph/o.yaml": None,
            "graph/legal/o.yaml": A2,
            "notes/legal/n.md": None,
            "notes/n.md": "text\n",
            "graph/r.yaml": record("Service", "service:r", summary="after"),
        }
    )
    policy = allow({"include": ["**"], "exclude": ["graph/legal/**", "notes/legal/**"]})
    assert past.changes(old, new, policy) == [
        "removed record service:a graph/o.yaml",
        "added record service:r graph/r.yaml",
        "added record service:s graph/s.yaml",
        "removed document graph/o.yaml",
        "added document graph/r.yaml",
        "added document graph/s.yaml",
        "added document notes/n.md",
    ]
    text = msgspec.json.encode(past.diff(old, new, policy, patch=True)).decode()
    assert "legal" not in text
    assert "before" not in text


def test_of_secrets_a_diff_tells_no_status_and_no_lines(past: Past) -> None:
    old = past.commit({"graph/v.yaml": record("Vault", "vault:v", summary="before")})
    new = past.commit({"graph/v.yaml": record("Vault", "vault:v", summary="after", status="deprecated")})
    [change] = past.diff(old, new, patch=True).changes
    assert (change.item, change.id, change.type, change.old_status, change.new_status, change.patch) == (
        "record",
        "vault:v",
        "changed",
        None,
        None,
        None,
    )
