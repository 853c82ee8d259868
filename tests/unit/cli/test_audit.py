"""``audit`` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import Result

from krate_gitops.records.audit import append
from krate_gitops.records.audit_filter import AuditFilter
from krate_gitops.records.audit_record import Actor, AuditRecord
from krate_gitops.records.database import open_database
from krate_gitops.records.memory_events import ref_resolved
from krate_gitops.settings import Settings
from tests.integration.records.test_verify import change_text, drop_triggers
from tests.unit.cli.conftest import Run
from tests.unit.records.sample import APPROVAL, COMMIT, NOW, USE, entry
from tests.unit.records.test_events import DENIED, EXECUTED

Audit = Callable[..., Result]


@pytest.fixture
def audit(run: Run, database_settings: Settings) -> Audit:
    """``audit("query", …)`` as the organisation ``acme``, whose log holds an approval, a query and a denial."""
    with open_database(database_settings).writing() as connection:
        for minute, one in enumerate((APPROVAL, EXECUTED, DENIED)):
            append(connection, [one], now=NOW + timedelta(minutes=minute))
    store = ("--home", database_settings.home, "--records", database_settings.records, "--org", "acme")
    return lambda *arguments, **options: run(
        "audit", *arguments, *(store if database_settings.records else (*store[:2], *store[4:])), **options
    )


def test_the_newest_record_comes_first(audit: Audit) -> None:
    lines = audit("query").stdout.splitlines()
    assert lines[0].split() == ["SEQUENCE", "TIME", "TYPE", "ACTOR", "TARGET", "DECISION", "REASON"]
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]
    assert lines[1].split()[1:] == [
        "2026-03-02T09:17:04.120Z",
        "CrossOrgReferenceDenied",
        "rivera",
        "AgentMemorySnapshot/withheld",
        "denied",
        "CrossOrgReference",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--repository", "payments"], [1]),
        (["--user", "rivera"], [3, 2, 1]),
        (["--group", "acme-maintainers"], [1]),
        (["--stack", "ci"], []),
        (["--trigger-rule", "ci"], [1]),
        (["--dispatch-run", "adr-7c1e"], [1]),
        (["--attempt", "ada-7c1e-1"], [1]),
        (["--target-kind", "PullRequest"], [1]),
        (["--target-name", "company-brain"], [2]),
        (["--class", "memory"], [2]),
        (["--type", "MemoryQueryExecuted"], [2]),
        (["--decision", "denied"], [3]),
        (["--decision", "allowed"], [2, 1]),
        (["--correlation-id", "krate-0"], []),
        (["--commit", COMMIT], [2, 1]),
        (["--since", "2026-03-02T10:16:00+01:00", "--until", "2026-03-02T09:17:00Z"], [2]),
        (["--after", "1"], [2, 3]),
        (["--limit", "1"], [3]),
    ],
)
def test_options_choose_records(arguments: list[str], expected: list[int], audit: Audit) -> None:
    items = json.loads(audit("query", *arguments, "-o", "json").stdout)["items"]
    assert [item["sequence"] for item in items] == expected


def test_every_filter_is_an_option() -> None:
    from krate_gitops.cli.audit_options import _FILTERS

    assert {*_FILTERS, "organization"} == set(AuditFilter.__struct_fields__)


def test_the_cursor_of_a_page_leads_to_the_next(audit: Audit) -> None:
    first = json.loads(audit("query", "--limit", 2, "-o", "json").stdout)
    second = json.loads(audit("query", "--limit", 2, "--cursor", first["nextCursor"], "-o", "json").stdout)
    assert [item["sequence"] for item in second["items"]] == [1]
    assert second["nextCursor"] is None
    assert f"more: --cursor {first['nextCursor']}\n" in audit("query", "--limit", 2).stdout


def test_lines_are_records(audit: Audit) -> None:
    lines = audit("query", "-o", "jsonl").stdout.splitlines()
    assert [msgspec.json.decode(line, type=AuditRecord).sequence for line in lines] == [3, 2, 1]


def test_counts_are_shown_by_class_type_and_hour(audit: Audit) -> None:
    found = json.loads(audit("query", "--counts", "-o", "json").stdout)
    assert found["byClass"] == {"approval-decision": 1, "memory": 1, "policy-denial": 1}
    assert (found["total"], found["byHour"]) == (3, {"2026-03-02T09": 3})
    table = audit("query", "--counts", "--class", "memory").stdout
    assert [line.split() for line in table.splitlines()] == [
        ["BY", "VALUE", "RECORDS"],
        ["class", "memory", "1"],
        ["type", "MemoryQueryExecuted", "1"],
        ["hour", "2026-03-02T09", "1"],
        ["all", "1"],
    ]


def test_an_export_goes_to_a_file_or_to_standard_output(audit: Audit, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    assert audit("query", "--export", file).stdout == ""
    text = file.read_text(encoding="utf-8")
    assert audit("query", "--export", "-").stdout == text
    assert json.loads(text.splitlines()[-1])["closing"]["records"] == 3
    assert [path.name for path in tmp_path.glob("audit*")] == ["audit.jsonl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "2026-03-02"],
        ["--since", "yesterday"],
        ["--until", "2026-03-02T09:00:00"],
        ["--limit", "501"],
        ["--after", "-1"],
        ["--cursor", "x"],
        ["--counts", "--after", "1"],
        ["--export", "-", "--counts"],
        ["--limit", "5", "--counts"],
        ["--limit", "5", "--export", "-"],
        ["--events", "--counts"],
        ["--commit", "b3678bd"],
    ],
)
def test_what_makes_no_sense_is_a_mistake_of_the_user(arguments: list[str], audit: Audit) -> None:
    assert audit("query", *arguments).exit_code == 2


def test_a_sound_log_is_said_to_be(audit: Audit) -> None:
    done = audit("verify", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.exit_code, list(found)) == (0, ["organization", "records", "ok", "firstBreak", "lastHash"])
    assert (found["organization"], found["records"], found["ok"], found["firstBreak"]) == ("acme", 3, True, None)
    assert found["lastHash"] == json.loads(audit("query", "-o", "json").stdout)["items"][0]["hash"]


def test_a_broken_log_ends_with_1_and_the_first_break(audit: Audit, database_settings: Settings) -> None:
    with open_database(database_settings).writing() as connection:
        drop_triggers(connection)
        change_text(connection)
    done = audit("verify")
    assert done.exit_code == 1
    assert "firstBreak    record 3, changed: its content does not have its hash\n" in done.stdout
    assert json.loads(audit("verify", "-o", "json").stdout)["firstBreak"]["sequence"] == 3


def test_where_there_is_no_store_there_are_no_records_and_none_is_made(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "nothing"
    assert run("audit", "query", "--home", home).stdout == "no records\n"
    assert json.loads(run("audit", "query", "--home", home, "-o", "json").stdout) == {"items": [], "nextCursor": None}
    assert json.loads(run("audit", "query", "--counts", "--home", home, "-o", "json").stdout)["total"] == 0
    assert json.loads(run("audit", "query", "--export", "-", "--home", home).stdout)["closing"]["records"] == 0
    assert json.loads(run("audit", "verify", "--home", home, "-o", "json").stdout)["ok"] is True
    assert not home.exists()


def test_names_in_the_log_move_no_cursor(audit: Audit, database_settings: Settings) -> None:
    with open_database(database_settings).writing() as connection:
        append(connection, [entry(actor=Actor(kind="User", name="a\x1b[2J\nb"))], now=NOW)
    assert r"a\x1b[2J\nb" in audit("query").stdout


def test_records_of_memory_are_printed_as_events(audit: Audit, database_settings: Settings) -> None:
    with open_database(database_settings).writing() as connection:
        asked = ref_resolved(USE, requested_ref="main", mode="current", commit="c" * 40)
        append(connection, [asked], now=NOW)
    [event] = json.loads(audit("query", "--events", "--limit", "1", "-o", "json").stdout)["items"]
    assert (event["type"], event["data"]["requestedRef"]) == ("agent.memory.ref.resolved", "main")
    assert "agent.memory.ref.resolved" in audit("query", "--events").stdout
    assert audit("query", "--events", "--type", "AgentStackSaved").stdout == "no events\n"
