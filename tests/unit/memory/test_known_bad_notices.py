"""Whoever was given bad memory, and whoever owns it, is told so: once, in the same transaction, without the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import KrateError
from krate_gitops.memory import known_bad
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Occasion
from krate_gitops.memory.known_bad import close, ranges, withdraw
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.request import Consumer
from krate_gitops.memory.snapshot import Requester
from krate_gitops.memory.take import take
from krate_gitops.records.notifications import Notification, list_notifications
from krate_gitops.settings import Settings
from tests.repos import Content
from tests.snapshots import Desk
from tests.unit.memory.world import ONTOLOGY, markdown, record, request

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
FILES: dict[str, Content] = {
    **ONTOLOGY,
    "runbooks/a.md": markdown(
        "Runbook",
        "runbook:a",
        "# R\n\nA needle of gold.\n",
        title="R",
        owners=["team:core"],
        repoRefs=["repository:pay"],
    ),
    "graph/s.yaml": record("Service", "service:s", title="Needle", owners=["team:core", "user:sam"]),
    "graph/pay.yaml": record("Repository", "repository:pay", owners=["team:payments"]),
    "graph/web.yaml": record("Repository", "repository:web", owners=["team:web"]),
    "notes/n.md": "# N\n\nOne needle.\n",
}


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings, FILES)


def told(desk: Desk, recipient: str | None = None) -> list[Notification]:
    with desk.database.reading() as connection:
        return list_notifications(connection, "local", recipient=recipient, limit=200).items


def recipients(desk: Desk) -> list[str]:
    return sorted(one.recipient for one in told(desk))


def ask_as(desk: Desk, requester: Requester, run: str, repository: str | None = None) -> str:
    """A snapshot that a run got; its name."""
    asked = request("needle")
    asked = msgspec.structs.replace(asked, consumer=Consumer(repository=repository))
    occasion = Occasion(requester=requester, dispatch_run=run, request_id=run)
    from krate_gitops.git.request import RefRequest

    return take(desk.brain(), desk.database, RefRequest(), asked, owner_policy(), occasion).snapshot.metadata.name


def test_whoever_asked_for_an_affected_snapshot_is_told_with_run_range_and_reason(desk: Desk) -> None:
    name = ask_as(desk, Requester("Agent", "fixer"), "adr-1")
    found = desk.mark(desk.first, ref="incident:vault")
    assert found.notified == 1
    [one] = told(desk)
    assert (one.recipient, one.subject) == ("agent:fixer", "Memory of brain is known to be bad")
    assert one.facts["runs"] == ["adr-1"]
    assert one.facts["snapshots"] == [name]
    assert (one.facts["range"], one.facts["from"], one.facts["reason"]) == (found.range.name, desk.first, "wrong vault")
    assert one.text.split("\n") == [
        f"Commits from {desk.first} on, not fixed yet: wrong vault",
        "See incident:vault.",
        "Runs that were given it: adr-1",
        f"Snapshots that hold it: {name}",
    ]


def test_snapshots_that_the_range_does_not_cover_concern_nobody(desk: Desk) -> None:
    desk.take(ref=desk.first, request_id="before", run="adr-0")
    assert desk.mark(desk.second).notified == 0
    assert told(desk) == []


def test_several_runs_of_one_requester_are_told_in_one(desk: Desk) -> None:
    for run in ("adr-1", "adr-2"):
        ask_as(desk, Requester("User", "ann"), run)
    ask_as(desk, Requester("User", "bob"), "adr-3")
    assert desk.mark(desk.first).notified == 2
    [ann] = told(desk, "user:ann")
    assert (ann.facts["runs"], ann.facts["counts"]["snapshots"]) == (["adr-1", "adr-2"], 2)


def test_owners_of_named_records_and_of_the_repositories_they_apply_to_are_told(desk: Desk) -> None:
    assert desk.mark(desk.first, record_ids=("runbook:a",)).notified == 2
    assert recipients(desk) == ["team:core", "team:payments"]
    [payments] = told(desk, "team:payments")
    assert (payments.facts["records"], payments.facts["repositories"]) == (["runbook:a"], ["repository:pay"])
    assert "runs" not in payments.facts


def test_owners_of_the_records_in_a_named_file_are_told(desk: Desk) -> None:
    desk.mark(desk.first, paths=("graph/s.yaml", "notes/n.md", "nowhere.md"))
    assert recipients(desk) == ["team:core", "user:sam"]


def test_owners_of_a_record_that_is_gone_by_now_are_told_as_the_bad_commit_has_them(desk: Desk) -> None:
    desk.repo.commit({"graph/s.yaml": None})
    desk.mark(desk.first, record_ids=("service:s", "runbook:a"))
    assert recipients(desk) == ["team:core", "team:payments", "user:sam"]


def test_owners_are_those_of_today(desk: Desk) -> None:
    desk.repo.commit({"graph/s.yaml": record("Service", "service:s", title="Needle", owners=["team:new"])})
    desk.mark(desk.first, record_ids=("service:s",))
    assert recipients(desk) == ["team:new"]


@pytest.mark.parametrize("name", ["web", "repository:web"])
def test_owners_of_the_repository_that_a_run_worked_for_are_told(desk: Desk, name: str) -> None:
    ask_as(desk, Requester("Agent", "fixer"), "adr-1", repository=name)
    desk.mark(desk.first)
    assert recipients(desk) == ["agent:fixer", "team:web"]
    [web] = told(desk, "team:web")
    assert (web.facts["runs"], web.facts["repositories"]) == (["adr-1"], ["repository:web"])


def test_an_unknown_repository_has_no_owners(desk: Desk) -> None:
    ask_as(desk, Requester("Agent", "fixer"), "adr-1", repository="elsewhere")
    desk.mark(desk.first)
    assert recipients(desk) == ["agent:fixer"]


def test_marking_again_closing_and_withdrawing_tell_nobody_anew(desk: Desk) -> None:
    ask_as(desk, Requester("User", "ann"), "adr-1")
    marked = desk.mark(desk.first, record_ids=("runbook:a",))
    before = told(desk)
    assert desk.mark(desk.first, record_ids=("runbook:a",)).notified == 0
    tip = desk.repo.commit({"runbooks/a.md": None})
    close(desk.brain(), desk.database, marked.range.name, tip, marked_by="tester")
    withdraw(desk.database, "local", marked.range.name, reason="mistake", marked_by="tester")
    assert told(desk) == before


def test_no_memory_and_no_secret_is_told(desk: Desk) -> None:
    desk.repo.commit({"graph/x.yaml": record("Service", "service:x", title=SECRET, owners=[SECRET, "team:core"])})
    ask_as(desk, Requester("User", "ann"), "adr-1")
    desk.mark(
        desk.first, reason=f"token {SECRET} \x1b[2J leaked", ref=f"incident:{SECRET}",
        record_ids=("service:x", "runbook:a"), paths=(f"notes/{SECRET}.md",),
    )  # fmt: skip
    everything = msgspec.json.encode(told(desk)).decode()
    assert SECRET not in everything
    assert "gold" not in everything
    assert "[REDACTED:" in everything
    assert "\x1b" not in "".join(one.text for one in told(desk))
    assert len(recipients(desk)) == 4


def test_it_is_one_transaction_with_the_marks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = desk.take(run="adr-1")

    def fail(*_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(known_bad, "notify", fail)
    with pytest.raises(RuntimeError):
        desk.mark(desk.first)
    assert ranges(desk.database, "local", None) == []
    assert desk.again(kept).snapshot.status.known_bad is None
    assert told(desk) == []


def test_a_brain_whose_owners_cannot_be_read_is_marked_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_as(desk, Requester("User", "ann"), "adr-1")

    def unreadable(*_: object) -> None:
        raise KrateError("MEMORY_LAYOUT_INVALID", "no")

    monkeypatch.setattr(Brain, "read", unreadable)
    assert desk.mark(desk.first, reason=f"leaks {SECRET}").notified == 1
    [one] = told(desk)
    assert one.recipient == "user:ann"
    assert SECRET not in one.text


def test_long_lists_are_cut_and_counted(desk: Desk) -> None:
    for number in range(60):
        ask_as(desk, Requester("User", "ann"), f"adr-{number:02}")
    desk.mark(desk.first)
    [one] = told(desk)
    assert len(one.facts["snapshots"]) == 50
    assert one.facts["counts"]["snapshots"] == 60
    assert "and 10 more" in one.text


def test_a_range_that_was_withdrawn_and_marked_anew_is_news(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_as(desk, Requester("User", "ann"), "adr-1")
    name = desk.mark(desk.first).range.name
    withdraw(desk.database, "local", name, reason="mistake", marked_by="tester")
    monkeypatch.setattr(known_bad, "format_instant", lambda _: "2030-01-01T00:00:00Z")
    assert desk.mark(desk.first).notified == 1
    assert len(told(desk, "user:ann")) == 2


def test_the_bad_commit_is_read_only_for_what_today_has_no_longer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    read = Brain.read

    def seen(brain: Brain, commit: str, action: Any) -> Any:
        commits.append(commit)
        return read(brain, commit, action)

    monkeypatch.setattr(Brain, "read", seen)
    desk.mark(desk.first, record_ids=("service:s",))
    assert commits == [desk.second]
    desk.mark(desk.first, record_ids=("service:gone",))
    assert commits[1:] == [desk.second, desk.first]
