"""``update show``, ``list`` and ``impact``: what reviewers look at."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.cli.updating import EDITED, OTHER, OWNER, RUNBOOK, Updates, updates
from tests.updates import FILES, runbook

__all__ = ["updates"]


def test_records_come_first_then_lines(updates: Updates) -> None:
    path = updates.file(
        "d.md", runbook("draft", status="approved", title="Replay\x1b[31m it", updatedAt="2026-05-30T09:00:00Z")
    )
    name = updates.json("propose", "--put", f"runbooks/draft.md=@{path}", "--rationale", "Done.\n\x1b[2JAll of it.")[
        "update"
    ]
    table = updates("show", name).stdout
    order = [
        f"update        {name}",
        "waits for an approval; an owner of runbook:draft (user:dana, user:ravi)",
        "Done.",
        "\\x1b[2JAll of it.",
        "validation:",
        "you may: ",
        "~ runbooks/draft.md  runbook:draft (Runbook)  draft → approved",
        "  ~ status: draft → approved",
        "--- a/runbooks/draft.md",
        "-status: draft",
        "+status: approved",
    ]
    places = [table.index(text) for text in order]
    assert places == sorted(places)
    assert "\x1b" not in table
    assert "-status: draft" not in updates("show", name, "--no-diff").stdout


def test_the_json_has_the_shape_of_the_interface(updates: Updates) -> None:
    name = updates.proposed()
    found = updates.json("show", name)
    assert {"organization", "update", "conditions", "validation", "files", "reviews", "actions", "links"} <= set(found)
    assert (found["update"]["name"], found["update"]["phase"]) == (name, "AwaitingApproval")
    assert {one["type"] for one in found["conditions"]} >= {"PathsAllowed", "PatchApplies", "SecretsClean", "Approved"}
    assert set(found["validation"]) >= {"result", "counts", "diagnostics", "digest"}
    [file] = found["files"]
    assert (file["path"], file["action"], file["id"]) == (RUNBOOK, "upsert", "runbook:a")
    assert "+Another second line of a." in file["diff"].splitlines()
    required = found["reviews"]["required"]
    assert [(one["kind"], one["met"]) for one in required] == [("approval", False), ("owner", False)]
    assert (found["reviews"]["given"], len(found["reviews"]["outstanding"])) == ([], 2)


def test_everybody_is_told_what_they_may_do(updates: Updates) -> None:
    name = updates.proposed()
    assert updates.json("show", name)["actions"] == ["request-changes", "reject", "revalidate", "revise"]
    assert updates.json("show", name, actor=OWNER)["actions"] == ["approve", "request-changes", "reject", "revalidate"]
    updates.json("approve", name, actor=OWNER)
    assert "merge" in updates.json("show", name, actor=OTHER)["actions"]
    updates.json("merge", name, actor=OTHER)
    assert updates.json("show", name, actor=OTHER)["actions"] == ["revert"]


def test_a_merged_update_still_shows_what_it_changed(updates: Updates) -> None:
    name = updates.approved()
    before = updates.json("show", name)["files"]
    updates.json("merge", name)
    assert updates.json("show", name)["files"] == before
    assert "approve by Dana" in updates("show", name).stdout


def test_what_nearly_repeats_a_record_is_told(updates: Updates) -> None:
    path = updates.file("twin.md", runbook("a").replace("runbook:a", "runbook:twin"))
    done = updates("propose", "--put", f"runbooks/twin.md=@{path}", "--rationale", "A new one.")
    assert "nearly the same: runbook:twin and runbook:a (runbooks/a.md)" in done.stdout
    name = re.search(r"amu-\w+", done.stdout)
    assert name
    assert updates.json("show", name[0])["near"][0]["nearId"] == "runbook:a"


@pytest.mark.parametrize("cut", [4, 8, 12])
def test_a_name_may_be_cut(updates: Updates, cut: int) -> None:
    name = updates.proposed()
    bare = name.removeprefix("amu-")
    assert updates.json("show", bare[:cut])["update"]["name"] == name
    assert updates.json("show", f"amu-{bare[:cut]}")["update"]["name"] == name


def test_what_is_not_there_is_not_found(updates: Updates) -> None:
    assert updates.refused("show", "amu-000000000000") == (3, "NOT_FOUND")
    name = updates.proposed()
    assert updates.refused("show", name[4:6]) == (3, "NOT_FOUND")
    assert updates.refused("show", name, "--org", "other") == (3, "NOT_FOUND")
    assert updates.refused("show", "amu-' OR 1=1 --") == (3, "NOT_FOUND")


def test_the_list_can_be_narrowed(updates: Updates) -> None:
    assert (updates("list").stdout, updates("list").exit_code) == ("no updates\n", 0)
    first = updates.proposed("--agent", "ci-agent", "--run", "adr-1")
    second = updates.json("propose", "--delete", "notes/n.md", "--reason", "Not\x1bneeded")["update"]
    updates.json("reject", first, "--comment", "No.", actor=OWNER)

    def names(*options: str) -> list[str]:
        return [one["update"] for one in updates.json("list", *options)["items"]]

    assert names() == [second, first]
    assert names("--phase", "rejected") == [first]
    assert names("--open") == [second]
    assert names("--run", "adr-1") == [first]
    assert names("--path", "notes/n.md") == names("--path", "notes/") == [second]
    assert names("--path", "note") == []
    assert names("--proposer", "ci-agent") == [first]
    assert names("--limit", "1") == [second]
    lines = updates("list", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["update"] for line in lines] == [second, first]
    table = updates("list").stdout
    assert table.splitlines()[0].split()[:3] == ["UPDATE", "PHASE", "PROPOSER"]
    assert "Not\\x1bneeded" in table
    assert updates("list", "--phase", "sleeping").exit_code == 2


def ask(updates: Updates, text: str) -> None:
    done = updates._run("--home", updates.home, "snapshot", "create", updates.repo.path, text, "--jobs", 1)
    assert done.exit_code == 0, done.output


def test_impact_of_an_update_and_of_a_change_nobody_proposed_yet(updates: Updates) -> None:
    ask(updates, "Replay")
    path = updates.file("edited.md", EDITED)
    found = updates.json("impact", "--delete", RUNBOOK)
    assert found["asked"] == 1
    assert {one["shift"] for one in found["queries"][0]["shifts"] if one["path"] == RUNBOOK} == {"leaves"}
    assert updates.json("list") == {"items": []}
    table = updates("impact", "--delete", RUNBOOK).stdout
    assert "1 recorded question asked again: 1 answered differently." in table
    assert "  - record   runbook:a" in table
    name = updates.proposed()
    measured = updates.json("impact", name)
    assert measured == updates.json("impact", "--put", f"{RUNBOOK}=@{path}")
    assert updates.json("show", name, "--impact")["impact"] == measured
    assert updates.json("impact", name, "--exit-code", code=1) == measured
    assert updates("impact", name, "--sample", "0").exit_code == 2
    assert updates.refused("impact") == (2, "USAGE")


def test_impact_says_what_can_not_be_merged(updates: Updates) -> None:
    name = updates.proposed()
    updates.repo.commit({RUNBOOK: FILES[RUNBOOK].replace("Second line", "The present second line")})  # type: ignore[union-attr]
    done = updates("impact", name)
    assert done.exit_code == 0
    assert "left out, as it can't be merged: runbooks/a.md" in done.stderr
