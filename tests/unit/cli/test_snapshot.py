"""``snapshot``: every command as a user runs it, in tables and JSON, with its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from krate_gitops.records.database import close_databases
from tests.repos import RepoBuilder, git
from tests.unit.cli.conftest import Run
from tests.unit.memory.world import ONTOLOGY, markdown, record

COMMANDS = ("context", "diff", "list", "known-bad", "replay", "show", "verify")
OF_ONE = ("context", "diff", "replay", "show", "verify", "refresh")


class Snapshots:
    """A repository with two commits, and the command line."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.home = folder / "home"
        self.repo = RepoBuilder(folder / "brain.git")
        self.first = self.repo.commit(
            {
                **ONTOLOGY,
                "runbooks/a.md": markdown("Runbook", "runbook:a", "# R\n\nA needle.\n", title="Replay", tags=["blue"]),
                "graph/s.yaml": record("Service", "service:s", title="Needle"),
                "notes/n.md": "# N\n\nA needle.\n",
            },
            message="first",
        )
        self.second = self.repo.commit({"notes/n.md": "# N\n\nTwo needles.\n"}, message="second")

    def __call__(self, *arguments: object, **environment: str) -> Result:
        return self._run("--home", self.home, "snapshot", *arguments, **environment)

    def json(self, *arguments: object, code: int = 0) -> Any:
        result = self(*arguments, "-o", "json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def create(self, *arguments: object) -> str:
        found = self.json("create", self.repo.path, "needle", *arguments)
        return str(found["metadata"]["name"])


@pytest.fixture
def snapshots(run: Run, tmp_path: Path) -> Any:
    yield Snapshots(run, tmp_path)
    close_databases()


def test_create_prints_the_snapshot_in_every_format(snapshots: Snapshots) -> None:
    found = {
        form: snapshots("create", snapshots.repo.path, "needle", "--request-id", "r", "-o", form)
        for form in ("json", "yaml", "jsonl", "table")
    }
    assert {result.exit_code for result in found.values()} == {0}
    value = json.loads(found["json"].stdout)
    assert value == yaml.safe_load(found["yaml"].stdout) == json.loads(found["jsonl"].stdout)
    assert value["kind"] == "AgentMemorySnapshot"
    table = found["table"].stdout
    assert table.splitlines()[0].split() == ["snapshot", value["metadata"]["name"]]
    assert f"commit      {snapshots.second}" in table


def test_show_lists_what_was_selected_and_its_content(snapshots: Snapshots) -> None:
    name = snapshots.create("--mode", "graph-only")
    table = snapshots("show", name).stdout
    assert "memory-graph-record" in table
    assert "service:s" in table
    found = snapshots.json("show", name, "--content")
    assert [one["id"] for one in found["content"]["records"]] == ["service:s", "runbook:a"]
    assert "content" not in snapshots.json("show", name)
    blamed = snapshots.json("show", name, "--blame")["blame"]
    assert [one["commit"] for one in blamed] == [snapshots.first] * 2
    assert "first" in snapshots("show", name, "--blame").stdout


def test_replay_ends_with_one_when_something_differs(snapshots: Snapshots, tmp_path: Path) -> None:
    name = snapshots.create("--out", tmp_path / "told.json")
    table = snapshots("replay", name)
    assert (table.exit_code, "the same, byte for byte" in table.stdout) == (0, True)
    assert snapshots.json("replay", name)["match"]
    told = json.loads((tmp_path / "told.json").read_text())
    told["material"]["records"][0]["title"] = "Forged"
    (tmp_path / "told.json").write_text(json.dumps(told))
    found = snapshots.json("replay", tmp_path / "told.json", "--repo", snapshots.repo.path, code=1)
    assert [one["reason"] for one in found["differences"]] == ["item-changed"]
    assert "not the same" in snapshots("replay", tmp_path / "told.json", "--repo", snapshots.repo.path).stdout
    assert "selectionDigest is sha256:" in snapshots("verify", tmp_path / "told.json").stdout
    for command in ("context", "diff", "refresh"):
        error = snapshots.json(command, tmp_path / "told.json", code=1)["error"]
        assert error["code"] == "MEMORY_SNAPSHOT_FAILED"


def test_context_prints_the_section_or_the_block(snapshots: Snapshots) -> None:
    name = snapshots.create()
    section = snapshots("context", name).stdout
    assert section.startswith("## Company brain memory\n")
    shutil.rmtree(snapshots.repo.path)
    found = snapshots.json("context", name)
    assert found["section"] == section == snapshots("context", name).stdout
    assert (found["memory"]["snapshotRef"], found["memory"]["enabled"]) == (name, True)
    assert found["digest"].startswith("sha256:")


def test_diff_compares_with_now_with_a_ref_and_with_a_snapshot(snapshots: Snapshots) -> None:
    old = snapshots.create("--ref", snapshots.first, "--mode", "grep-only")
    new = snapshots.create()
    for against in ((), ("--against", snapshots.second), ("--against", new), ("--against", f"local/{new}")):
        found = snapshots.json("diff", old, *against)
        assert (found["fromCommit"], found["toCommit"], found["selected"]) == (snapshots.first, snapshots.second, 1)
        assert [change["path"] for change in found["changes"]] == ["notes/n.md"]
        assert [change["inSelection"] for change in found["changes"]] == [True]
    assert snapshots("diff", old, "--exit-code").exit_code == 1
    assert snapshots("diff", new, "--exit-code").exit_code == 0
    assert "1 changed; 1 of what was selected" in snapshots("diff", old).stdout
    assert "+Two needles." in snapshots("diff", old, "--patch", "--selected").stdout


def test_refresh_makes_another_snapshot_and_leaves_the_old_one(snapshots: Snapshots) -> None:
    name = snapshots.create("--run", "adr-1")
    tip = snapshots.repo.commit({"notes/z.md": "# Z\n\nneedle\n"})
    new = snapshots.json("refresh", name)
    assert new["metadata"]["name"] != name
    assert (new["spec"]["resolvedCommit"], new["spec"]["dispatchRun"]) == (tip, "adr-1")
    assert [one["metadata"]["name"] for one in snapshots.json("list")["items"]] == [new["metadata"]["name"], name]


def test_list_filters_and_pages(snapshots: Snapshots) -> None:
    names = [snapshots.create("--run", f"adr-{number}", "--request-id", number) for number in range(3)]
    other = snapshots.create("--ref", snapshots.first, "--mode", "graph-only", "--kind", "Runbook")

    def listed(*arguments: object) -> list[str]:
        return [one["metadata"]["name"] for one in snapshots.json("list", *arguments)["items"]]

    everything = [other, *reversed(names)]
    assert listed() == everything
    assert listed("--record", "runbook:a") == everything
    assert listed("--record", "service:s") == everything[1:]
    assert listed("--path", "graph/s.yaml", "--run", "adr-1") == [names[1]]
    assert listed("--commit", snapshots.first) == [other]
    assert listed("--since", "2020-01-01T00:00:00Z", "--memory-repository", "brain") == everything
    assert listed("--memory-repository", "none") == []
    assert listed("--not-known-bad") == everything
    assert listed("--known-bad") == []
    page = snapshots.json("list", "--limit", 3)
    assert len(page["items"]) == 3
    assert listed("--limit", 3, "--cursor", page["nextCursor"]) == everything[3:]
    assert f"more: --cursor {page['nextCursor']}" in snapshots("list", "--limit", 3).stdout
    lines = snapshots("list", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["metadata"]["name"] for line in lines] == everything


def test_tag_makes_a_tag_and_record_tag_filters_records(snapshots: Snapshots) -> None:
    found = snapshots.json("create", snapshots.repo.path, "needle", "--record-tag", "blue", "--mode", "graph-only")
    assert found["spec"]["recordCount"] == 1
    assert git(snapshots.repo.git_dir, "tag").decode() == ""
    table = snapshots("create", snapshots.repo.path, "needle", "--tag").stdout
    tag = table.splitlines()[-1].split()[1]
    assert git(snapshots.repo.git_dir, "for-each-ref", "--format=%(refname)", "refs/tags").decode().split() == [tag]
    assert snapshots("create", snapshots.repo.path, "needle", "--tag", "blue").exit_code == 2


def test_bad_history_is_marked_refused_acknowledged_closed_and_withdrawn(snapshots: Snapshots, run: Run) -> None:
    name = snapshots.create()
    marked = snapshots.json(
        "mark-known-bad", snapshots.repo.path, "--from", snapshots.second, "--reason", "wrong", "--see", "incident:a"
    )
    bad = marked["range"]["name"]
    assert (marked["covered"], marked["range"]["from"]) == (1, snapshots.second)
    assert snapshots.json("context", name, code=1)["error"]["code"] == "MEMORY_SNAPSHOT_KNOWN_BAD"
    assert "[known-bad: " in snapshots("context", name, "--acknowledge-known-bad").stdout
    refused = snapshots.json("create", snapshots.repo.path, "needle", code=1)["error"]
    assert (refused["code"], "--acknowledge-known-bad" in refused["hint"]) == ("MEMORY_SNAPSHOT_KNOWN_BAD", True)
    assert snapshots.json("refresh", name, code=1)["error"]["code"] == "MEMORY_SNAPSHOT_KNOWN_BAD"
    made = snapshots.json("create", snapshots.repo.path, "needle", "--acknowledge-known-bad")
    assert made["status"]["knownBad"]["reason"] == "wrong"
    assert snapshots.json("show", name)["status"]["knownBad"]["ref"] == "incident:a"
    for arguments in (("ref", "resolve"), ("brain", "query")):
        words = ("needle",) if arguments[0] == "brain" else ()
        result = run("--home", snapshots.home, *arguments, snapshots.repo.path, *words, "-o", "json")
        found = json.loads(result.stdout)
        assert found.get("refResolution", found)["knownBad"]
        assert arguments[0] == "ref" or found["warnings"][0] == "known-bad"
    assert "open" in snapshots("known-bad").stdout
    tip = snapshots.repo.commit({"notes/n.md": "# N\n\nThe right needle.\n"})
    closed = snapshots.json("mark-known-bad", snapshots.repo.path, "--close", bad, "--to", "main")
    assert (closed["range"]["to"], closed["unmarked"]) == (tip, 0)
    snapshots.create()
    gone = snapshots.json("mark-known-bad", snapshots.repo.path, "--withdraw", bad, "--reason", "mistake")
    assert (gone["covered"], gone["unmarked"]) == (0, 2)
    assert "withdrawn" in snapshots("known-bad").stdout
    assert snapshots("context", name).stdout.startswith("## Company")


def test_verify_checks_one_or_all_without_the_repository(snapshots: Snapshots) -> None:
    names = [snapshots.create("--request-id", number) for number in range(2)]
    shutil.rmtree(snapshots.repo.path)
    assert snapshots.json("verify") == {"snapshots": 2, "faults": []}
    assert snapshots.json("verify", *names)["snapshots"] == 2
    assert snapshots("verify").stdout == "snapshots 2, faults 0\n"


# Without a store, and with what is no answer


def test_without_a_store_there_is_nothing_and_none_is_made(snapshots: Snapshots) -> None:
    assert snapshots.json("list") == {"items": [], "nextCursor": None}
    assert snapshots("list").stdout == "no snapshots\n"
    assert snapshots.json("known-bad") == {"items": []}
    assert snapshots.json("verify") == {"snapshots": 0, "faults": []}
    for command in OF_ONE:
        error = snapshots.json(command, "ams-0123456789ab", code=3)["error"]
        assert (error["code"], bool(error["hint"])) == ("NOT_FOUND", True)
    assert not (snapshots.home / "records.sqlite").exists()


ERRORS = [
    (("create", "REPO", ""), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--run", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--session", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--request-id", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--request-id", ""), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--user", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("create", "REPO", "needle", "--ref", "nowhere"), 3, "MEMORY_REF_NOT_FOUND"),
    (("create", "REPO", "needle", "--policy", "absent.yaml"), 2, "USAGE"),
    (("create", "nowhere", "needle"), 3, "MEMORY_REPOSITORY_UNAVAILABLE"),
    (("create", "REPO", "needle", "--out", "absent/told.json"), 3, "IO_FAILED"),
    (("list", "--cursor", "none"), 2, "INVALID_REQUEST"),
    (("list", "--cursor", ""), 2, "INVALID_REQUEST"),
    (("list", "--cursor", "9" * 40), 2, "INVALID_REQUEST"),
    (("list", "--cursor", "٣"), 2, "INVALID_REQUEST"),
    (("list", "--since", "yesterday"), 2, "USAGE"),
    (("list", "--limit", "0"), 2, "USAGE"),
    (("list", "--record", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("list", "--path", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("show",), 2, "USAGE"),
    (("show", "nothing"), 3, "NOT_FOUND"),
    (("show", "bad\udcff"), 3, "NOT_FOUND"),
    (("show", "bad\0name"), 3, "NOT_FOUND"),
    (("show", "x" * 9000), 3, "NOT_FOUND"),
    (("show", ""), 3, "NOT_FOUND"),
    (("show", "FILE"), 2, "INVALID_REQUEST"),
    (("context", "DEEP"), 2, "INVALID_REQUEST"),
    (("replay", "EMPTY"), 2, "INVALID_REQUEST"),
    (("diff", "NAME", "--against", "nowhere"), 3, "MEMORY_REF_NOT_FOUND"),
    (("diff", "NAME", "--against", "a~1"), 2, "MEMORY_REF_INVALID"),
    (("diff", "NAME", "--against", "ams-000000000000"), 3, "NOT_FOUND"),
    (("diff", "TOLD"), 2, "USAGE"),
    (("refresh", "TOLD"), 2, "USAGE"),
    (("replay", "NAME", "--repo", "nowhere"), 0, None),
    (("mark-known-bad", "REPO"), 2, "USAGE"),
    (("mark-known-bad", "REPO", "--from", "main"), 2, "USAGE"),
    (("mark-known-bad", "REPO", "--from", "main", "--reason", ""), 2, "INVALID_REQUEST"),
    (("mark-known-bad", "REPO", "--from", "main", "--reason", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("mark-known-bad", "REPO", "--from", "main", "--reason", "x" * 5000), 2, "INVALID_REQUEST"),
    (("mark-known-bad", "REPO", "--from", "main", "--reason", "a", "--path", "bad\udcff"), 2, "INVALID_REQUEST"),
    (("mark-known-bad", "REPO", "--from", "main", "--to", "main", "--reason", "a"), 2, "INVALID_REQUEST"),
    (("mark-known-bad", "REPO", "--from", "nowhere", "--reason", "a"), 3, "MEMORY_REF_NOT_FOUND"),
    (("mark-known-bad", "REPO", "--close", "bad-0"), 2, "USAGE"),
    (("mark-known-bad", "REPO", "--close", "bad-0", "--to", "main"), 3, "NOT_FOUND"),
    (("mark-known-bad", "REPO", "--withdraw", "bad-0", "--reason", "a"), 3, "NOT_FOUND"),
    (("mark-known-bad", "REPO", "--withdraw", "bad-0", "--from", "main", "--reason", "a"), 2, "USAGE"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store that the bad input below is tried on."""
    from click.testing import CliRunner

    from krate_gitops.cli.main import cli

    folder = tmp_path_factory.mktemp("served")

    def run(*arguments: object, **_: str) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    snapshots = Snapshots(run, folder)
    told = folder / "told.json"
    name = snapshots.create("--out", told)
    (folder / "file.json").write_text('{"snapshot": {"spec": {"organizationRef": "local"}}}')
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "empty.json").write_bytes(b"\xff")
    words = {"REPO": snapshots.repo.path, "NAME": name, "TOLD": told}
    words |= {word: folder / f"{word.lower()}.json" for word in ("FILE", "DEEP", "EMPTY")}
    yield snapshots, words
    close_databases()


@pytest.mark.parametrize(
    ("given", "code", "name"), ERRORS, ids=[f"{at}-{e[0][0]}-{e[2]}" for at, e in enumerate(ERRORS)]
)
def test_bad_input_has_a_code_a_hint_and_an_exit_code(
    served: Any, given: tuple[str, ...], code: int, name: str
) -> None:
    snapshots, words = served
    result = snapshots(*(words.get(word, word) for word in given), "-o", "json")
    assert "Traceback" not in result.output
    assert "INTERNAL" not in result.output
    assert result.exit_code == code, result.output
    if name:
        assert json.loads(result.stdout)["error"]["code"] == name


# The boundary of an organisation

FOREIGN = (
    *("other/{}", "krate-org-other/{}", "other:{}", "krate-org-other:{}", "oth er/{}", "local2/{}"),
    *("orgs/other/{}", "/orgs/other/agents/memory/snapshots/{}", "/api/orgs/other/agents/memory/snapshots/{}"),
    "https://krate.example/orgs/other/agents/memory/snapshots/{}",
)


def test_a_reference_into_another_organisation_says_nothing_of_what_is_there(snapshots: Snapshots) -> None:
    own = snapshots.create()
    result = snapshots._run(
        "--home",
        snapshots.home,
        "--org",
        "other",
        "snapshot",
        "create",
        snapshots.repo.path,
        "needle",
        "-o",
        "json",
    )
    there = json.loads(result.stdout)["metadata"]["name"]
    assert snapshots.json("list")["items"][0]["metadata"]["name"] == own

    def answer(*arguments: object) -> tuple[int, str, str]:
        found = snapshots(*arguments)
        return found.exit_code, found.stdout, found.stderr

    for form in ("table", "json"):
        seen = {
            answer(command, place.format(name), "-o", form)
            for command in OF_ONE
            for place in FOREIGN
            for name in (there, "ams-000000000000")
        }
        seen |= {
            answer("diff", own, "--against", place.format(name), "-o", form)
            for place in FOREIGN
            for name in (there, "ams-000000000000")
        }
        [(code, stdout, stderr)] = seen
        assert code == 4
        assert "CROSS_ORG_REF_DENIED" in stderr
        for told in (there, "other", "ams-"):
            assert told not in stdout + stderr
        bare = {answer(command, name, "-o", form) for command in OF_ONE for name in (there, "ams-000000000000")}
        [(code, _, stderr)] = bare
        assert (code, "NOT_FOUND" in stderr) == (3, True)


def test_a_file_and_a_policy_of_another_organisation_are_refused_alike(snapshots: Snapshots, tmp_path: Path) -> None:
    snapshots.create()
    told, policy = tmp_path / "told.json", tmp_path / "policy.yaml"
    snapshots._run(
        *("--home", snapshots.home, "--org", "other", "snapshot", "create", snapshots.repo.path, "needle"),
        *("--out", told),
    )
    answers = {(r.exit_code, r.output) for r in (snapshots(command, told) for command in OF_ONE)}
    [(code, output)] = answers
    assert (code, "other" in output, "told" in output) == (4, False, False)
    told.write_text('{"snapshot": {"spec": {"organizationRef": "other"}}, "x": 1}')
    assert {(r.exit_code, r.output) for r in (snapshots(command, told) for command in OF_ONE)} == answers
    policy.write_text(
        "kind: AgentMemorySource\nmetadata: {name: ci}\nspec: {organizationRef: other, repositoryRef: brain,"
        " appliesTo: {users: ['*']}, include: ['**']}\n"
    )
    refused = snapshots("create", snapshots.repo.path, "needle", "--policy", policy)
    assert (refused.exit_code, "CROSS_ORG_REF_DENIED" in refused.stderr) == (4, True)
    assert "other" not in refused.output


# Options that go together, and what is on record


@pytest.mark.parametrize(
    "given",
    [
        ("mark-known-bad", "REPO", "--from", "main"),
        ("mark-known-bad", "REPO", "--close", "bad-0"),
        ("mark-known-bad", "REPO", "--close", "bad-0", "--to", "main", "--see", "x"),
        ("mark-known-bad", "--withdraw", "bad-0", "--reason", "x", "--to", "main"),
        ("mark-known-bad", "--from", "main", "--reason", "x"),
        ("show", "ams-0123456789ab", "--repo", "REPO"),
        ("list", "--commit", "0123456"),
        ("list", "--since", "2026-05-31"),
    ],
)
def test_an_option_that_would_be_passed_over_is_refused(snapshots: Snapshots, given: tuple[str, ...]) -> None:
    arguments = [str(snapshots.repo.path) if one == "REPO" else one for one in given]
    assert snapshots.json(*arguments, code=2)["error"]["code"] == "USAGE"


def test_the_content_of_a_snapshot_is_shown(snapshots: Snapshots) -> None:
    name = snapshots.create()
    assert "needle" in snapshots("show", name, "--content").stdout
    assert snapshots.json("show", name, "--content")["content"]["request"]["text"] == "needle"


def test_a_tag_is_made_once_for_one_request(snapshots: Snapshots) -> None:
    made = [snapshots("create", snapshots.repo.path, "needle", "--request-id", "a", "--tag").stdout for _ in range(2)]
    assert made[0] == made[1]
    assert len(git(snapshots.repo.git_dir, "tag").decode().split()) == 1


def test_who_takes_bad_memory_again_is_on_record(snapshots: Snapshots, run: Run) -> None:
    name = snapshots.create()
    snapshots("mark-known-bad", snapshots.repo.path, "--from", snapshots.second, "--reason", "wrong")
    snapshots("context", name, "--acknowledge-known-bad")
    log = json.loads(run("--home", snapshots.home, "audit", "query", "--limit", "1", "-o", "json").stdout)
    assert log["items"][0]["details"]["acknowledgeKnownBad"] is True


def test_a_policy_of_another_organisation_is_on_record_by_its_kind(
    snapshots: Snapshots, run: Run, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    spec = {"organizationRef": "other", "repositoryRef": "secret-name", "appliesTo": {"users": ["*"]}}
    source = {"kind": "AgentMemorySource", "metadata": {"name": "s"}, "spec": spec | {"include": {"paths": ["**"]}}}
    policy.write_text(json.dumps(source))
    denied = run("--home", snapshots.home, "brain", "query", snapshots.repo.path, "needle", "--policy", policy)
    assert denied.exit_code == 4
    log = run("--home", snapshots.home, "audit", "query", "-o", "json").stdout
    [record] = json.loads(log)["items"]
    assert (record["type"], record["target"]["kind"]) == ("CrossOrgReferenceDenied", "AgentMemorySource")
    assert "other" not in log
    assert "secret-name" not in log
