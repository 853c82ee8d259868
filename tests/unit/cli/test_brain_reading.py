"""``brain query``, ``show``, ``log`` and ``diff`` as a user runs them: formats, exit codes, error codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from tests.repos import RepoBuilder
from tests.unit.cli.conftest import Run
from tests.unit.memory.hostile import BLOCKED, OVERRIDE, TOKEN
from tests.unit.memory.world import ONTOLOGY, markdown, record

OWN = "kind: AgentMemorySource\nmetadata: {name: ci}\nspec:\n  organizationRef: local\n  repositoryRef: brain\n"


class Command:
    """A repository with two commits, and a policy for the code repository ``pay``."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._home = folder / "home"
        self.repo = RepoBuilder(folder / "brain.git")
        self.policy = folder / "policy.yaml"
        self.policy.write_text(
            f"{OWN}  appliesTo: {{repositories: [pay]}}\n  exclude: ['notes/legal.md']\n"
            "  include: {graphKinds: [Runbook], paths: ['notes/*']}\n"
        )
        self.first = self.repo.commit(
            {
                **ONTOLOGY,
                "runbooks/a.md": markdown(
                    "Runbook", "runbook:a", "# Replay\n\nA needle for the first time.\n", title="Replay"
                ),
                "graph/s.yaml": record("Service", "service:s", title="Needle", edges={"depends_on": ["runbook:a"]}),
                "notes/n.md": "# N\n\nA needle.\n",
                "notes/legal.md": "# Legal\n\nA needle nobody sees.\n",
            },
            message="first",
        )
        self.second = self.repo.commit(
            {
                "runbooks/a.md": None,
                "runbooks/b.md": markdown("Runbook", "runbook:a", "# Replay\n\nA needle again.\n", title="Replay"),
                "notes/n.md": "# N\n\nTwo needles.\n",
            },
            message="second",
        )

    def __call__(self, command: str, *arguments: object) -> Result:
        return self._run("--home", self._home, "brain", command, self.repo.path, *arguments)

    def json(self, command: str, *arguments: object, code: int = 0) -> Any:
        result = self(command, *arguments, "-o", "json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def command(run: Run, tmp_path: Path) -> Command:
    return Command(run, tmp_path)


ARGUMENTS = {"query": ("needle",), "show": ("runbook:a",), "log": ("runbook:a",), "diff": ("HEAD1", "HEAD2")}


def arguments_of(command: Command, name: str) -> tuple[str, ...]:
    return tuple(
        {"HEAD1": command.first, "HEAD2": command.second}.get(argument, argument) for argument in ARGUMENTS[name]
    )


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_format_says_the_same(command: Command, name: str) -> None:
    given = arguments_of(command, name)
    results = {form: command(name, *given, "-o", form) for form in ("json", "yaml", "jsonl", "table")}
    assert all(result.exit_code == 0 for result in results.values()), {
        form: result.output for form, result in results.items()
    }
    value, again = json.loads(results["json"].stdout), yaml.safe_load(results["yaml"].stdout)
    for one in (value, again):
        one.pop("durationMs", None)
        one.get("refResolution", {}).pop("resolvedAt", None)
    assert value == again
    lines = [json.loads(line) for line in results["jsonl"].stdout.splitlines()]
    items = {
        "query": lambda: sorted(value["records"] + value["excerpts"], key=lambda item: item["rank"]),
        "log": lambda: value["versions"],
        "diff": lambda: value["changes"],
    }
    assert lines == items.get(name, lambda: [value])()
    assert results["table"].stdout
    assert "error" not in results["table"].stderr


def test_the_table_of_a_query_shows_records_excerpts_and_the_commit(command: Command) -> None:
    text = command("query", "needle", "--context", 0).stdout
    assert "service:s  (Service, approved)" in text
    assert "runbooks/b.md:10-10\n     | A needle again." in text
    assert f"at {command.second[:12]}" in text
    assert "match:" not in text
    assert "match: needle (" in command("query", "needle", "--explain").stdout
    assert "nothing found" in command("query", "haystack").stdout


def test_the_answer_of_a_query_has_the_fields_of_the_contract(command: Command) -> None:
    found = command.json("query", "needle")
    assert set(found) == {
        "organization",
        "namespace",
        "memoryRepository",
        "refResolution",
        "snapshotPreview",
        "records",
        "excerpts",
        "documents",
        "denied",
        "redaction",
        "limits",
        "permissionReview",
        "warnings",
        "durationMs",
    }
    assert set(found["records"][0]) == {
        "id",
        "kind",
        "path",
        "title",
        "status",
        "owners",
        "summary",
        "updatedAt",
        "sensitivity",
        "sourceRefs",
        "edges",
        "digest",
        "rank",
        "score",
        "why",
        "warnings",
    }
    assert set(found["excerpts"][0]) == {
        "path",
        "recordId",
        "lineStart",
        "lineEnd",
        "text",
        "matches",
        "digest",
        "fileDigest",
        "rank",
        "why",
        "warnings",
    }
    assert set(found["limits"]) == {"bytes", "maxBytes", "truncated", "omitted", "reason"}
    assert found["refResolution"]["resolvedCommit"] == command.second
    assert found["organization"] == "local"
    assert found["namespace"] == "krate-org-local"


def test_documents_come_in_every_format_of_a_query(command: Command) -> None:
    given = ("query", "--mode", "document-read", "--path", "notes/n.md", "--id", "runbook:a")
    assert [document["path"] for document in command.json(*given)["documents"]] == ["runbooks/b.md", "notes/n.md"]
    lines = command(*given, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["runbooks/b.md", "notes/n.md"]
    assert "Two needles." in command(*given).stdout


def test_options_of_a_query_reach_their_place(command: Command) -> None:
    assert [item["kind"] for item in command.json("query", "needle", "--kind", "Runbook")["records"]] == ["Runbook"]
    assert not command.json("query", "needle", "--owner", "team:none")["records"]
    assert command.json("query", "needle", "--limit", 0)["limits"]["omitted"]["records"] == 2
    assert [e["path"] for e in command.json("query", "needles?", "--regex", "--path", "notes/n.md")["excerpts"]] == [
        "notes/n.md"
    ]
    assert not command.json("query", "NEEDLE", "--mode", "grep-only", "--case-sensitive")["excerpts"]
    assert (
        command.json("query", "needle", "--include", "notes/n.md:1", "--exclude", "service:s")["excerpts"][0]["rank"]
        == 1
    )
    assert (
        len(command.json("query", "needle", "--mode", "graph-only", "--depth", 0, "--id", "service:s")["records"]) == 1
    )
    assert command.json("query", "needle", "--max-bytes", 0)["limits"]["truncated"]
    assert command.json("query", "needle", "--ranking", 1)["records"]
    assert {
        reason["criterion"] for reason in command.json("query", "needle", "--service", "s")["records"][0]["why"]
    } >= {"associated"}


def test_a_query_in_the_past_says_so(command: Command) -> None:
    found = command.json("query", "needle", "--at", "2026-01-01T00:00:30Z")
    assert found["refResolution"]["resolvedCommit"] == command.first
    assert found["warnings"][0] == "pinned-to-history"
    assert "warning: pinned-to-history" in command("query", "needle", "--ref", command.first).stdout


def test_a_query_can_be_rendered_for_a_prompt(command: Command) -> None:
    text = command("query", "needle", "--render", "prompt").stdout
    assert text.startswith("## Company brain memory\nRepository brain")
    assert "### Records" in text
    assert "```memory-" in text


def test_a_policy_needs_its_consumer_in_every_command(command: Command) -> None:
    for name in ARGUMENTS:
        given = arguments_of(command, name)
        denied = command.json(name, *given, "--policy", command.policy, code=4)
        assert denied["error"]["code"] == "MEMORY_SOURCE_NOT_FOUND"
        command.json(name, *given, "--policy", command.policy, "--repository", "pay")


def test_a_policy_limits_every_command(command: Command) -> None:
    allowed = ("--policy", command.policy, "--repository", "pay")
    found = command.json("query", "needle", *allowed)
    assert [item["id"] for item in found["records"]] == ["runbook:a"]
    assert "legal" not in json.dumps(found)
    assert "service:s" not in json.dumps(found)
    assert command.json("show", "service:s", *allowed, code=3)["error"]["code"] == "MEMORY_RECORD_NOT_FOUND"
    assert command.json("show", "notes/legal.md", *allowed, code=3)["error"]["code"] == "MEMORY_RECORD_NOT_FOUND"
    assert command.json("log", "service:s", *allowed, code=3)["error"]["code"] == "MEMORY_RECORD_NOT_FOUND"
    assert command.json("show", "runbook:a", *allowed)["inbound"] == []
    assert [change["path"] for change in command.json("diff", command.first, command.second, *allowed)["changes"]] == [
        "runbooks/b.md",
        "notes/n.md",
        "runbooks/b.md",
    ]


def test_a_policy_for_the_present_alone_refuses_the_past_in_every_command(command: Command) -> None:
    command.policy.write_text(f"{OWN}  appliesTo: {{users: ['*']}}\n  include: ['**']\n  currentOnly: true\n")
    for name in ("query", "show", "log"):
        given = (*arguments_of(command, name), "--policy", command.policy)
        command.json(name, *given)
        assert command.json(name, *given, "--ref", command.first, code=4)["error"]["code"] == "MEMORY_REF_NOT_CURRENT"
    given = ("diff", command.first, command.second, "--policy", command.policy)
    assert command.json(*given, code=4)["error"]["code"] == "MEMORY_REF_NOT_CURRENT"


def test_a_policy_that_wants_a_valid_ontology_gets_no_other_in_every_command(command: Command) -> None:
    command.policy.write_text(f"{OWN}  appliesTo: {{users: ['*']}}\n  include: ['**']\n  requireOntologyValid: true\n")
    command.repo.commit({"ontology/edge-kinds.yaml": "edgeKinds: [\n"})
    for name in ARGUMENTS:
        given = ("show", "notes/n.md") if name == "show" else (name, *arguments_of(command, name))
        if name != "diff":
            assert (
                command.json(*given, "--policy", command.policy, code=1)["error"]["code"] == "MEMORY_ONTOLOGY_INVALID"
            )


# Show


def test_show_tells_a_record_with_text_and_edges_both_ways(command: Command) -> None:
    found = command.json("show", "runbook:a")
    assert found["path"] == "runbooks/b.md"
    assert "needle again" in found["text"]
    assert found["record"]["id"] == "runbook:a"
    assert found["record"]["form"] == "markdown"
    assert found["inbound"] == [{"kind": "depends_on", "target": "service:s", "via": "declared"}]
    assert command.json("show", "service:s")["edges"] == [
        {"kind": "depends_on", "target": "runbook:a", "via": "declared"}
    ]
    table = command("show", "runbook:a").stdout
    assert "depends_on ← service:s" in table
    assert "A needle again." in table


def test_show_takes_paths_too(command: Command) -> None:
    assert command.json("show", "runbooks/b.md") == command.json("show", "runbook:a")
    note = command.json("show", "notes/n.md")
    assert note["record"] is None
    assert note["text"] == "# N\n\nTwo needles.\n"
    assert command.json("show", "runbook:a", "--ref", command.first)["path"] == "runbooks/a.md"


@pytest.mark.parametrize(
    "item", ["runbook:none", "runbooks/a.md", "ontology/node-kinds.yaml", "../secrets", "", "x" * 5000, "-"]
)
def test_show_of_what_is_not_there_is_one_answer(command: Command, item: str) -> None:
    error = command.json("show", item, code=3)["error"]
    assert error["code"] == "MEMORY_RECORD_NOT_FOUND"
    assert error["hint"]


def test_show_keeps_secrets_and_orders_to_itself(command: Command) -> None:
    command.repo.commit(
        {
            "notes/s.md": f"# S\n\nkey {TOKEN} is here and more words\n",
            "notes/o.md": f"# O\n\n{OVERRIDE}\n",
            "notes/b.md": f"# B\n\n{BLOCKED}\n",
            "graph/t.yaml": record("Service", "service:t", title="Bell \x07 and \u202e turn", ratio=1.5, count=2),
        }
    )
    for form in ("json", "yaml", "jsonl", "table"):
        assert TOKEN not in command("show", "notes/s.md", "-o", form).output
    assert "warning: injection-suspected" in command("show", "notes/o.md").stdout
    blocked = command.json("show", "notes/b.md")
    assert (blocked["text"], blocked["warnings"]) == (None, ["injection-blocked"])
    table = command("show", "service:t").stdout
    assert "\x07" not in table
    assert "\u202e" not in table
    assert command.json("show", "service:t")["record"]["attributes"] == {"ratio": {"$number": "1.5"}, "count": 2}


# Log and diff


def test_log_lists_versions_newest_first_and_as_many_as_asked_for(command: Command) -> None:
    found = command.json("log", "runbook:a")["versions"]
    assert [(version["change"], version["path"], version.get("oldPath")) for version in found] == [
        ("moved", "runbooks/b.md", "runbooks/a.md"),
        ("added", "runbooks/a.md", None),
    ]
    assert len(command.json("log", "runbook:a", "--limit", 1)["versions"]) == 1
    assert command("log", "runbook:a").stdout.splitlines()[0].split() == [
        "COMMIT",
        "TIME",
        "CHANGE",
        "STATUS",
        "PATH",
        "MESSAGE",
    ]


def test_diff_lists_changes_and_shows_lines_when_asked(command: Command) -> None:
    table = command("diff", command.first, command.second).stdout
    assert "> record   runbook:a (Runbook)  runbooks/b.md  from runbooks/a.md" in table
    assert "~ document notes/n.md" in table
    assert f"{command.first[:12]}..{command.second[:12]}: 1 changed, 2 moved" in table
    assert "+Two needles." in command("diff", command.first, command.second, "--patch").stdout
    assert "no differences" in command("diff", command.first, command.first).stdout


def test_diff_ends_with_one_when_asked_to_say_so(command: Command) -> None:
    assert command("diff", command.first, command.second).exit_code == 0
    assert command("diff", command.first, command.second, "--exit-code").exit_code == 1
    assert command("diff", command.first, command.first, "--exit-code").exit_code == 0


# Errors

ERRORS = [
    (("query", ""), 2, "INVALID_REQUEST"),
    (("query", "a"), 2, "INVALID_REQUEST"),
    (("query", "x" * 1001), 2, "INVALID_REQUEST"),
    (("query", "bad \udcff bytes"), 2, "INVALID_REQUEST"),
    (("query", "(", "--regex"), 2, "INVALID_REQUEST"),
    (("query", "needle", "--status", "new"), 2, "INVALID_REQUEST"),
    (("query", "needle", "--max-bytes", "99999999999999"), 2, "INVALID_REQUEST"),
    (("query", "needle", "--mode", "document-read"), 2, "INVALID_REQUEST"),
    (("query", "needle", "--include", "notes/n.md:99"), 2, "INVALID_REQUEST"),
    (("query", "needle", "--depth", "9"), 2, "USAGE"),
    (("query", "needle", "--mode", "fuzzy"), 2, "USAGE"),
    (("query", "needle", "--policy", "absent.yaml"), 2, "USAGE"),
    (("query", "needle", "--include", "runbook:none"), 4, "POLICY_DENIED"),
    (("query", "needle", "--include", "notes/n.md", "--max-bytes", "1"), 1, "MEMORY_LIMIT_EXCEEDED"),
    (("query", "needle", "--root", "nowhere"), 1, "MEMORY_LAYOUT_INVALID"),
    (("query", "needle", "--ref", "nowhere"), 3, "MEMORY_REF_NOT_FOUND"),
    (("show", "runbook:a", "--root", "nowhere"), 1, "MEMORY_LAYOUT_INVALID"),
    (("show", "runbook:a", "--ref", "a~1"), 2, "MEMORY_REF_INVALID"),
    (("log", "runbook:none"), 3, "MEMORY_RECORD_NOT_FOUND"),
    (("log", "runbook:a", "--limit", "0"), 2, "USAGE"),
    (("diff", "main", "nowhere"), 3, "MEMORY_REF_NOT_FOUND"),
    (("diff", "main"), 2, "USAGE"),
]


@pytest.mark.parametrize(
    ("given", "code", "name"), ERRORS, ids=[f"{given[0]}-{name}-{at}" for at, (given, _, name) in enumerate(ERRORS)]
)
def test_errors_have_a_code_a_hint_and_an_exit_code(
    command: Command, given: tuple[str, ...], code: int, name: str
) -> None:
    result = command(*given, "-o", "json")
    assert result.exit_code == code, result.output
    error = json.loads(result.stdout)["error"]
    assert error["code"] == name
    assert f"error[{name}]: " in result.stderr
    assert "Traceback" not in result.output


def test_a_repository_that_is_not_there_is_unavailable(command: Command, run: Run, tmp_path: Path) -> None:
    for name in ARGUMENTS:
        result = run("--home", tmp_path / "home", "brain", name, tmp_path / "none", *arguments_of(command, name))
        assert result.exit_code == 3
        assert "error[" in result.stderr


def test_a_policy_that_is_none_is_a_usage_error(command: Command) -> None:
    command.policy.write_text("kind: [\n")
    for name in ARGUMENTS:
        error = command.json(name, *arguments_of(command, name), "--policy", command.policy, code=2)["error"]
        assert error["code"] == "INVALID_REQUEST"
        assert error["location"] == str(command.policy)
