"""Where what was told comes from: commit, time, author and update of each item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from krate_gitops.memory.blame import Blame, blame
from krate_gitops.memory.recall import Kept
from krate_gitops.settings import Settings
from tests.repos import git
from tests.snapshots import Desk
from tests.unit.memory.hostile import TOKEN
from tests.unit.memory.world import ONTOLOGY, RULES, markdown, record


@pytest.fixture
def desk(tmp_path: Path, home: Path) -> Desk:
    return Desk(tmp_path, Settings(home=home))


def found(desk: Desk, kept: Kept, **place: Any) -> dict[str, Blame]:
    brain = desk.brain(**place)
    told = brain.read(kept.snapshot.spec.resolved_commit, lambda opened: blame(opened, kept.material))
    assert [one.rank for one in told] == list(range(1, len(told) + 1))
    return {one.item: one for one in told}


def test_a_record_is_followed_by_its_id_through_a_move(desk: Desk) -> None:
    changed = desk.repo.commit(
        {"runbooks/a.md": markdown("Runbook", "runbook:a", "A new needle.\n", title="Replay")},
        message="Say it anew\n\nKrate-Update: upd-77\n",
        author="Ada <ada@example.com>",
    )
    desk.repo.commit({"notes/other.md": "# O\n"})
    moved = desk.repo.commit(
        {
            "runbooks/a.md": None,
            "runbooks/b.md": markdown("Runbook", "runbook:a", "A new needle.\n", title="Replay"),
        },
        message="Move it",
    )
    kept = desk.take(mode="graph-only")
    told = found(desk, kept)
    assert (told["runbook:a"].commit, told["runbook:a"].message) == (moved, "Move it")
    assert told["service:s"].commit == desk.first
    before = found(desk, desk.take(mode="graph-only", ref=changed))["runbook:a"]
    assert (before.commit, before.update, before.message) == (changed, "upd-77", "Say it anew")
    assert (before.author or "").startswith("Ada")
    assert before.time == "2026-01-01T00:02:00Z"


def test_an_excerpt_stems_from_the_newest_commit_of_its_lines(desk: Desk) -> None:
    text = "# L\n\nneedle one\nplain\nplain\nplain\nplain\nneedle two\n"
    old = desk.repo.commit({"notes/l.md": text}, message="old")
    new = desk.repo.commit({"notes/l.md": text.replace("two", "three")}, message="new")
    later = desk.repo.commit({"notes/l.md": "A line before\n" + text.replace("two", "three")}, message="later")
    told = found(desk, desk.take(mode="grep-only", context_lines=0))
    assert told["notes/l.md:4-4"].commit == old
    assert told["notes/l.md:9-9"].commit == new
    assert found(desk, desk.take(mode="document-read", document_paths=("notes/l.md",)))["notes/l.md"].commit == later


def test_what_a_branch_brought_is_the_doing_of_its_merge(desk: Desk) -> None:
    side = desk.repo.commit(
        {
            "notes/side.md": "# S\n\nneedle of a branch\n",
            "graph/side.yaml": record("Service", "service:side", title="needle"),
        },
        branch="side",
        parents=[desk.second],
    )
    desk.repo.commit({"notes/main.md": "# M\n"})
    merge = desk.repo.merge(side, message="Merge it\n\nKrate-Update: upd-1")
    kept = desk.take(paths=("**",), context_lines=0, include=("notes/side.md",))
    told = found(desk, kept)
    assert {told[item].commit for item in ("service:side", "notes/side.md", "notes/side.md:3-3")} == {merge}
    assert {one.update for one in told.values() if one.commit == merge} == {"upd-1"}
    assert found(desk, kept)["service:s"].commit == desk.first


def test_a_record_of_a_file_of_several_has_a_history_of_its_own(tmp_path: Path, home: Path) -> None:
    ontology = tmp_path / "foreign" / "ontology"
    ontology.mkdir(parents=True)
    for path, content in ONTOLOGY.items():
        (ontology.parent / path).write_text(str(content))
    (ontology / "validation-rules.yaml").write_text(f"{RULES}foreign: {{multiDocument: true, required: []}}\n")
    one, other = (record("Service", f"service:{name}", title="needle") for name in "ab")
    desk = Desk(tmp_path, Settings(home=home), {"graph/services.yaml": f"{one}---\n{other}"})
    changed = desk.repo.commit({"graph/services.yaml": f"{one}---\n{other.replace('needle', 'a needle')}"})
    kept = desk.take(mode="graph-only", ontology_dir=ontology)
    told = found(desk, kept, ontology_dir=ontology)
    assert {name: told[name].commit for name in ("service:a", "service:b")} == {
        "service:a": desk.first,
        "service:b": changed,
    }


def test_secrets_and_controls_of_messages_and_authors_are_kept_back(desk: Desk) -> None:
    desk.repo.commit(
        {"graph/s.yaml": record("Service", "service:s", title="Needle again")},
        message=f"Use {TOKEN} now",
        author=f"A {TOKEN} <a@example.com>",
    )
    told = found(desk, desk.take(mode="graph-only"))["service:s"]
    assert TOKEN not in str(told)
    assert "[REDACTED:" in (told.message or "")


def test_an_update_is_named_by_a_trailer_of_its_form_alone(desk: Desk) -> None:
    for message, update in (
        ("x\n\nKrate-Update: upd-1\nKrate-Update: upd-2", "upd-2"),
        ("x\n\nSee Krate-Update: upd-1", None),
        ("x\n\nKrate-Update: two words", None),
    ):
        desk.repo.commit({"graph/s.yaml": record("Service", "service:s", title=f"Needle {message}")}, message=message)
        assert found(desk, desk.take(mode="graph-only"))["service:s"].update == update, message


def test_a_repository_s_own_configuration_starts_no_program(desk: Desk, tmp_path: Path) -> None:
    witness = tmp_path / "started"
    git(desk.repo.git_dir, "config", "diff.spy.textconv", f"touch {witness}; cat")
    git(desk.repo.git_dir, "config", "blame.ignoreRevsFile", "nowhere")
    (desk.repo.git_dir / "info").mkdir(exist_ok=True)
    (desk.repo.git_dir / "info" / "attributes").write_text("* diff=spy\n")
    told = found(desk, desk.take(mode="grep-only"))
    assert {one.commit for one in told.values()} <= {desk.first, desk.second}
    assert not witness.exists()
