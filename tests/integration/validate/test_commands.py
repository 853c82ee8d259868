"""The commands around validation: what they print, in which form, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from krate_gitops.brain.examples import EXAMPLES
from krate_gitops.brain.rules.table import RULES
from krate_gitops.cli.brain_export import FORMATS
from krate_gitops.cli.main import cli
from krate_gitops.index.export import EXPORTS
from tests.integration.validate.brains import LEDGER, Brain, graph, sound_files
from tests.repos import git

Run = Callable[..., Result]

BROKEN = LEDGER.replace("fx-rates", "fx-rate")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line with a home of its own."""
    monkeypatch.setenv("KRATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def invoke(*arguments: object, **environment: str) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], env=environment)

    return invoke


def answer(result: Result) -> Any:
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_a_sound_brain_ends_with_0(run: Run, brain: Brain) -> None:
    result = run("brain", "validate", brain.repo.path)
    assert result.exit_code == 0
    assert result.stdout.startswith("valid: 0 errors, 0 warnings, 0 info, 11 files, 4 records")


def test_findings_are_lines_from_the_top_of_the_repository(run: Run, tmp_path: Path) -> None:
    brain = Brain(tmp_path, root=".company-brain")
    brain.commit({**sound_files(), "graph/services/ledger.yaml": BROKEN})
    result = run("brain", "validate", brain.repo.path)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (
        ".company-brain/graph/services/ledger.yaml:10:15: error KB038 service:fx-rate does not exist"
    )


def test_json_has_the_fields_that_tools_rely_on(run: Run, tmp_path: Path) -> None:
    brain = Brain(tmp_path, root=".company-brain")
    commit = brain.commit({**sound_files(), "graph/services/ledger.yaml": BROKEN})
    for result in (
        run("brain", "validate", brain.repo.path, "-o", "json"),
        run("brain", "validate", brain.repo.path, "--format", "json"),
    ):
        report = answer(result)
        assert result.exit_code == 1
        duration = report.pop("durationMs")
        assert isinstance(duration, int)
        [diagnostic] = report.pop("diagnostics")
        assert report == {
            "repository": "brain", "commit": commit, "profile": "R", "result": "invalid",
            "counts": {"error": 1, "warning": 0, "info": 0}, "countsByCode": {"KB038": 1}, "files": 11, "records": 4,
        }  # fmt: skip
        assert diagnostic == {
            "code": "KB038", "name": "dangling-edge", "severity": "error", "path": "graph/services/ledger.yaml",
            "line": 10, "column": 15, "recordId": "service:ledger", "field": "edges.depends_on[0]",
            "message": "service:fx-rate does not exist", "hint": "correct the id, or add the record", "related": [],
        }  # fmt: skip


def test_every_other_form_is_written(run: Run, brain: Brain) -> None:
    brain.commit({"graph/services/ledger.yaml": BROKEN})
    path = brain.repo.path
    sarif = answer(run("brain", "validate", path, "--format", "sarif"))
    assert sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 10, "startColumn": 15,
    }  # fmt: skip
    github = run("brain", "validate", path, "--format", "github").stdout
    assert github.startswith("::error file=graph/services/ledger.yaml,line=10,col=15,title=KB038 dangling-edge::")
    assert "<testsuites" in run("brain", "validate", path, "--format", "junit").stdout
    assert "countsByCode:" in run("brain", "validate", path, "-o", "yaml").stdout
    assert json.loads(run("brain", "validate", path, "-o", "jsonl").stdout)["code"] == "KB038"


def test_fail_on_and_the_brains_own_word_decide_how_it_ends(run: Run, brain: Brain) -> None:
    brain.commit({"notes/x.md": "words\n"})
    path = brain.repo.path
    assert run("brain", "validate", path).exit_code == 0
    assert run("brain", "validate", path, "--fail-on", "warning").exit_code == 1
    rules = sound_files()["ontology/validation-rules.yaml"]
    assert isinstance(rules, bytes)
    brain.commit({"ontology/validation-rules.yaml": rules.replace(b"failOn: error", b"failOn: warning")})
    assert run("brain", "validate", path).exit_code == 1
    assert run("brain", "validate", path, "--fail-on", "error").exit_code == 0


def test_a_branch_is_checked_against_its_base(run: Run, brain: Brain) -> None:
    tip = brain.repo.tip() or ""
    brain.commit({"graph/teams/web.yaml": graph("Team", "team:web", status="archived")}, branch="work", parents=[tip])
    report = answer(run("brain", "validate", brain.repo.path, "--ref", "work", "--base", "main", "-o", "json"))
    assert (report["profile"], report["countsByCode"], report["files"]) == ("U", {"KB052": 1}, 1)


def test_a_checkout_is_checked_as_it_is_on_disk(run: Run, tmp_path: Path) -> None:
    brain = Brain(tmp_path, bare=False)
    brain.commit(sound_files())
    brain.repo.checkout()
    (brain.repo.path / "notes/x.md").write_text("words\n")
    result = run("brain", "validate", brain.repo.path, "--worktree", "--fail-on", "warning")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        1, "notes/x.md:1:1: warning KB030 note falls back to its file name",
    )  # fmt: skip
    assert run("brain", "validate", brain.repo.path, "--worktree", "--ref", "main").exit_code == 2


def test_an_unknown_rule_is_a_usage_error(run: Run, brain: Brain) -> None:
    result = run("brain", "validate", brain.repo.path, "--code", "kb038")
    assert result.exit_code == 2
    assert "did you mean KB038?" in result.stderr


def test_an_index_is_built_then_found(run: Run, brain: Brain) -> None:
    first = answer(run("brain", "index", brain.repo.path, "-o", "json"))
    assert {name: first[name] for name in ("repository", "commit", "documents", "records", "edges", "parseErrors")} == {
        "repository": "brain", "commit": brain.repo.tip(), "documents": 11, "records": 4, "edges": 2, "parseErrors": 0,
    }  # fmt: skip
    assert first["shards"] == {"total": 1, "built": 1, "reused": 0}
    assert set(first["phases"]) == {"list", "read", "parse", "validate", "index", "write"}
    assert all(first[name].startswith("sha256:") for name in ("indexDigest", "ontologyDigest", "sourceDigest"))
    again = answer(run("brain", "index", brain.repo.path, "-o", "json"))
    assert again["shards"] == {"total": 1, "built": 0, "reused": 1}
    forced = answer(run("brain", "index", brain.repo.path, "-o", "json", "--force"))
    assert forced["shards"] == {"total": 1, "built": 1, "reused": 0}
    assert forced["indexDigest"] == again["indexDigest"] == first["indexDigest"]


def test_a_derived_file_goes_to_a_file_or_to_standard_output(run: Run, brain: Brain, tmp_path: Path) -> None:
    out = tmp_path / "graph.json"
    path = brain.repo.path
    done = answer(run("brain", "export", path, "--format", "graph-index", "--out", out, "-o", "json"))
    text = out.read_text()
    assert done == {
        "format": "graph-index", "commit": brain.repo.tip(), "out": str(out), "bytes": len(text.encode()),
    }  # fmt: skip
    printed = run("brain", "export", path, "--format", "graph-index")
    assert (printed.stdout, printed.exit_code) == (text, 0), printed.stderr
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    dated = run("brain", "export", path, "--format", "graph-index", SOURCE_DATE_EPOCH="86400").stdout
    assert json.loads(dated)["generatedAt"] == "1970-01-02T00:00:00Z"
    assert run("brain", "export", path, "--format", "graph-index", SOURCE_DATE_EPOCH="now").exit_code == 2


def test_every_derived_file_can_be_asked_for() -> None:
    assert list(FORMATS) == list(EXPORTS)


@pytest.mark.parametrize("options", [(), ("--bare",), ("--root", ".")])
def test_a_new_brain_is_valid(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "acme-brain"
    made = answer(run("brain", "init", path, "--org", "acme", "-o", "json", *options))
    assert made["organization"] == "acme"
    assert answer(run("brain", "validate", path, "-o", "json"))["diagnostics"] == []
    if "--bare" not in options:
        assert git(path / ".git", "-C", str(path), f"--work-tree={path}", "status", "--porcelain") == b""
        assert answer(run("brain", "validate", path, "--worktree", "-o", "json"))["diagnostics"] == []
    assert git(path if "--bare" in options else path / ".git", "rev-list", "--all").decode().split() == [made["commit"]]


def test_a_new_brain_can_be_named_from_the_current_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("brain", "init", "here").exit_code == 0
    assert (tmp_path / "here/.company-brain/README.md").is_file()


def test_a_brain_is_never_made_over_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/README.md").write_text("mine")
    result = run("brain", "init", tmp_path / "full")
    assert (result.exit_code, (tmp_path / "full/README.md").read_text()) == (2, "mine")


def test_a_drafted_ontology_fits_the_brain_it_was_drafted_from(run: Run, brain: Brain, tmp_path: Path) -> None:
    odd = "nodeKind: Gadget\nid: gadget:a\nattributes:\n  title: A\n  weight: 1.50\nedges: {made_by: [team:core]}\n"
    brain.commit({"graph/gadgets/a.yaml": odd, "graph/gadgets/broken.yaml": "a: [\n"})
    out = tmp_path / "drafted"
    done = answer(run("brain", "ontology", "infer", brain.repo.path, "--out", out, "-o", "json"))
    assert sorted(done["files"]) == sorted(path.name for path in out.iterdir())
    assert "name: Gadget" in (out / "node-kinds.yaml").read_text()
    report = answer(run("brain", "validate", brain.repo.path, "--ontology", out, "-o", "json"))
    assert report["countsByCode"].keys() & {"KB020", "KB021", "KB025", "KB026", "KB035", "KB036", "KB081"} == set()
    again = run("brain", "ontology", "infer", brain.repo.path, "--out", out)
    assert again.exit_code == 2
    assert run("brain", "ontology", "infer", brain.repo.path, "--out", out, "--force").exit_code == 0


def test_a_fault_of_an_ontology_outside_is_pointed_into_its_own_file(run: Run, brain: Brain, tmp_path: Path) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    for name, data in sound_files().items():
        if name.startswith("ontology/") and isinstance(data, bytes):
            (folder / name.removeprefix("ontology/")).write_bytes(b"\n\n" + data)
    edges = folder / "edge-kinds.yaml"
    edges.write_text(edges.read_text().replace("range: [Team]", "range: [Squad]", 1))
    report = answer(run("brain", "validate", brain.repo.path, "--ontology", folder, "-o", "json", "--code", "KB086"))
    [found] = report["diagnostics"]
    assert edges.read_text().split("\n")[found["line"] - 1][found["column"] - 1 :].startswith("Squad")


def test_rules_and_kinds_are_explained(run: Run) -> None:
    rule = answer(run("brain", "ontology", "explain", "kb038", "-o", "json"))
    assert (rule["name"], rule["locked"]) == ("dangling-edge", False)
    assert rule["good"] != rule["bad"]
    assert answer(run("brain", "ontology", "explain", "dangling-edge", "-o", "json")) == rule
    assert answer(run("brain", "ontology", "explain", "Runbook", "-o", "json"))["idPrefix"] == "runbook"
    assert answer(run("brain", "ontology", "explain", "owned_by", "-o", "json"))["external"] == ["user"]
    unknown = run("brain", "ontology", "explain", "Runbok")
    assert unknown.exit_code == 2
    assert "did you mean Runbook?" in unknown.stderr


def test_every_rule_has_examples() -> None:
    assert EXAMPLES.keys() == RULES.keys()


def test_the_store_is_listed_cleaned_and_verified(run: Run, brain: Brain, tmp_path: Path) -> None:
    assert "no indexes" in run("index", "list").stdout
    run("brain", "index", brain.repo.path)
    [held] = answer(run("index", "list", "-o", "json"))["indexes"]
    assert (held["commit"], held["state"], held["documents"]) == (brain.repo.tip(), "ready", 11)
    assert "ready" in run("index", "list").stdout
    planned = answer(
        run("index", "gc", "--max-age-days", "0", "--keep", "0", "--guard-minutes", "0", "--dry-run", "-o", "json")
    )
    assert (planned["dryRun"], planned["manifests"], planned["shards"]) == (True, 1, 1)
    sound = run("index", "verify")
    assert (sound.exit_code, sound.stdout.startswith("sound: 1 manifests")) == (0, True)
    [facts] = (tmp_path / "home").rglob("facts")
    facts.write_bytes(facts.read_bytes()[:-1])
    damaged = run("index", "verify", "-o", "json")
    assert (damaged.exit_code, answer(damaged)["problems"][0]["repaired"]) == (1, False)
    assert run("index", "verify", "--repair").exit_code == 0
    assert answer(run("index", "list", "-o", "json"))["indexes"][0]["state"] == "stale"
    assert run("brain", "validate", brain.repo.path).exit_code == 0
    assert answer(run("index", "list", "-o", "json"))["indexes"][0]["state"] == "ready"
    removed = answer(run("index", "gc", "--keep", "0", "--guard-minutes", "0", "-o", "json"))
    assert (removed["manifests"], removed["shards"], removed["keptShards"]) == (1, 1, 0)
