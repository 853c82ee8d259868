"""The demo, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from krate_gitops.cluster.dev.server import serve
from tests.docs.console import agrees

_VARIES = re.compile(
    r"^(?:(?:resolvedAt|staleBySeconds|durationMs|shards|knownBad|records|lastHash) .*|exit code \d|… \d+ more lines)$",
    re.MULTILINE,
)
"""Clocks, a store that is filled already, and what the demo says itself."""

_MARKED = re.compile(r"^(?:warning: known-bad|known bad .*)\n|(?<=\S) +it pays refunds twice$", re.MULTILINE)
"""What a later step of the demo makes earlier ones say: that the script is known to be bad."""

_ONCE = re.compile(r"^notified .*\n?", re.MULTILINE)
"""What is said the first time alone."""

PROGRAM = [sys.executable, "-m", "krate_gitops"]


class Shown(NamedTuple):
    """A step as it is printed."""

    title: str
    command: str
    result: str


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRATE_", "GIT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "NO_COLOR": "1"} | more


def run_demo(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "demo", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**more),
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "a world"


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    done = run_demo(folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def parts(text: str) -> tuple[list[Shown], list[Shown], list[Shown]]:
    """The steps that read the brain, those that change it, and those on the cluster, which is gone when they end."""
    brain, rest = text.split("\nWhat agents learn comes back")
    learning, cluster = rest.split("\nWhat agents know is one half.")
    return _shown(brain), _shown(learning), _shown(cluster)


def _shown(text: str) -> list[Shown]:
    found = re.findall(r"^\d+\. (.*)\n\n\$ (.*)\n((?:(?:  .*)?\n)*)", text, flags=re.MULTILINE)
    return [Shown(title, command, re.sub(r"^  ", "", result, flags=re.MULTILINE)) for title, command, result in found]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    done = run_demo(tmp_path_factory.mktemp("demo") / "json", "-o", "json")
    assert done.returncode == 0
    result: list[dict[str, Any]] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def result_of(steps: list[dict[str, Any]]) -> Callable[[str], Any]:
    def find(part: str) -> Any:
        [step, *_] = [step for step in steps if part in f" {step['command']} "]
        return step["result"]

    return find


def test_every_printed_command_does_the_same_in_a_shell(
    text: str, folder: Path, parts: tuple[list[Shown], list[Shown], list[Shown]]
) -> None:
    [export] = set(re.findall(r"^export KRATE_CONFIG=.*$", text, flags=re.MULTILINE))
    assert [len(part) for part in parts] == [20, 10, 12]
    _take_back_what_was_learned(folder, parts[0][0].result)
    for step in parts[0]:
        done = subprocess.run(
            ["bash", "-c", f"{export}\n{step.command}"],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            check=False,
        )
        code = re.search(r"^exit code (\d)$", step.result, flags=re.MULTILINE)
        assert done.returncode == (int(code[1]) if code else 0), step.command
        expected = _ONCE.sub("", _VARIES.sub("…", step.result)).strip("\n")
        printed = done.stdout or done.stderr
        same = agrees(expected, printed.strip("\n")) or agrees(expected, _MARKED.sub("", printed).strip("\n"))
        assert same, f"{step.command}\n{printed}"


def _take_back_what_was_learned(folder: Path, resolved: str) -> None:
    """Puts the brain to where it was when the first step was done."""
    [commit] = re.findall(r"^resolvedCommit +([0-9a-f]{40})$", resolved, flags=re.MULTILINE)
    done = ["git", "-C", str(folder / "company-brain"), "reset", "--quiet", "--hard", commit]
    subprocess.run(done, check=True, env=environment())


def test_all_steps_end_as_expected_and_some_of_them_with_no(steps: list[dict[str, Any]]) -> None:
    assert [set(step) for step in steps] == [{"title", "command", "exitCode", "result"}] * len(steps)
    refused = [step for step in steps if step["exitCode"]]
    assert [(" ".join(step["command"].split()[1:3]), step["exitCode"]) for step in refused] == [
        ("brain validate", 1),
        ("snapshot context", 1),
        ("update merge", 1),
        ("update propose", 1),
        ("reconcile plan", 4),
        ("reconcile apply", 4),
        ("permissions review", 1),
        ("reconcile apply", 1),
        ("reconcile status", 1),
    ]


def test_rights_wait_for_a_person_and_a_lost_folder_for_another(steps: list[dict[str, Any]]) -> None:
    planned, _, applied, mended, cut = (
        step["result"] for step in steps if re.search("reconcile (?:plan|apply)", step["command"])
    )
    assert planned["stop"]["code"] == "KR726"
    assert planned["counts"]["create"] == len(planned["entries"]) == 15
    assert (applied["phase"], applied["counts"]["created"]) == ("Reconciling", 15)
    assert (mended["counts"]["updated"], mended["counts"]["unchanged"]) == (1, 14)
    assert (cut["phase"], cut["counts"]["held"], cut["counts"]["unchanged"]) == ("Blocked", 8, 7)


def test_what_was_changed_in_the_cluster_is_found_and_a_blocked_stack_is_explained(
    result_of: Callable[[str], Any],
) -> None:
    [drift] = result_of("reconcile diff")["changes"]
    assert drift["identity"] == "krate.a5c.ai/AgentContextLabel/krate-org-acme/money-code"
    assert drift["changedFields"] == ["spec.promptFragment"]
    reviewed = result_of("permissions review")
    assert reviewed["decision"] == "denied"


def test_the_cluster_can_be_taken_up_again(
    text: str, folder: Path, parts: tuple[list[Shown], list[Shown], list[Shown]]
) -> None:
    last = parts[2][-1]
    with serve(folder / "cluster") as running:
        done = subprocess.run(
            ["bash", "-c", last.command],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(KUBECONFIG=str(running.admin_kubeconfig)),
            check=False,
        )
    assert f"krate-gitops dev cluster --data {shlex.quote(str(folder / 'cluster'))}" in text
    assert done.returncode == 1
    assert agrees(_VARIES.sub("…", last.result).strip("\n"), done.stdout.strip("\n"))


def test_the_past_has_another_commit_and_another_answer(steps: list[dict[str, Any]]) -> None:
    now, then = (step["result"] for step in steps if "ref resolve" in step["command"])
    assert now["resolvedCommit"] != then["resolvedCommit"]
    assert (now["commitsBehind"], then["commitsBehind"]) == (0, 11)
    answers = {"--at" in step["command"]: step["result"] for step in steps if "--explain" in step["command"]}
    assert answers[False]["records"][0]["id"] == "runbook:payments-refund-replay"
    assert answers[True]["records"][0]["id"] == "runbook:payments-refund-script"
    assert answers[True]["records"][0]["status"] == "approved"
    assert answers[True]["warnings"][0] == "pinned-to-history"
    assert all(record["why"] for answer in answers.values() for record in answer["records"])


def test_a_commit_of_one_file_builds_one_shard(steps: list[dict[str, Any]]) -> None:
    cold, next_one = (step["result"]["shards"] for step in steps if "brain index" in step["command"])
    assert cold["total"] == cold["built"] == 4
    assert next_one == {"total": 4, "built": 1, "reused": 3}


def test_the_brain_is_valid_and_the_proposal_has_one_mistake_at_its_place(steps: list[dict[str, Any]]) -> None:
    brain, proposal = (step["result"] for step in steps if "brain validate" in step["command"])
    assert (brain["result"], brain["diagnostics"]) == ("valid", [])
    [mistake] = proposal["diagnostics"]
    assert (proposal["result"], mistake["code"]) == ("invalid", "KB038")
    place = (mistake["path"], mistake["line"], mistake["column"])
    assert place == ("runbooks/payments/fx-fallback.md", 10, 16)


def test_the_policy_keeps_from_an_agent_what_it_does_not_admit(result_of: Callable[[str], Any]) -> None:
    answer = result_of("--policy")
    assert {record["kind"] for record in answer["records"]} <= {"Runbook", "Decision", "Incident"}
    assert {record["sensitivity"] for record in answer["records"]} == {"internal"}


def test_records_are_read_followed_compared_and_exported(result_of: Callable[[str], Any]) -> None:
    assert result_of("brain show")["record"]["status"] == "approved"
    versions = result_of("brain log")["versions"]
    assert [version["status"] for version in versions] == ["deprecated", "approved"]
    changed = {change.get("id") for change in result_of("brain diff")["changes"]}
    assert "runbook:ledger-failover" in changed
    exported = Path(result_of("brain export")["out"])
    assert "runbook:payments-refund-replay" in json.loads(exported.read_text(encoding="utf-8"))["records"]


def test_what_was_told_is_frozen_replayed_traced_and_withheld(result_of: Callable[[str], Any]) -> None:
    name = result_of("snapshot create")["metadata"]["name"]
    assert result_of("snapshot replay")["match"]
    assert [item["metadata"]["name"] for item in result_of("snapshot list")["items"]] == [name]
    assert result_of("mark-known-bad")["covered"] == 1
    assert result_of("snapshot context")["error"]["code"] == "MEMORY_SNAPSHOT_KNOWN_BAD"
    assert {change.get("newStatus") for change in result_of("snapshot diff")["changes"]} == {"deprecated", None}
    assert result_of("audit verify")["ok"]


def test_a_lesson_is_merged_when_an_owner_has_approved_it_and_a_credential_never(
    steps: list[dict[str, Any]],
) -> None:
    proposed, leaking = (step["result"] for step in steps if "update propose" in step["command"])
    refused, merged = (step["result"] for step in steps if "update merge" in step["command"])
    assert refused["error"]["code"] == "MEMORY_UPDATE_NOT_APPROVED"
    assert (proposed["phase"], merged["phase"]) == ("AwaitingApproval", "Merged")
    assert leaking["phase"] == "ChangesRequested"
    assert {one["status"] for one in leaking["conditions"] if one["type"] == "SecretsClean"} == {"False"}


def test_of_a_finished_run_what_was_read_becomes_memory_and_its_token_doesnt(
    steps: list[dict[str, Any]],
) -> None:
    imported, approved, merged = (step["result"] for step in steps if " import " in f" {step['command']} ")
    assert imported["redaction"]["byKind"] == {"path": 1, "provider-token": 1}
    phases = [one["import"]["phase"] for one in (imported, approved, merged)]
    assert phases == ["AwaitingReview", "AwaitingReview", "Merged"]
    [asked] = [step["result"] for step in steps if "several queues" in step["command"]]
    assert "babysitter-session:sess-0610-queues" in {record["id"] for record in asked["records"]}


def test_two_worlds_have_the_same_commits(text: str, steps: list[dict[str, Any]]) -> None:
    assert steps[0]["result"]["resolvedCommit"] in text


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = run_demo(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[INVALID_REQUEST]: {tmp_path} is there already")
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_without_a_folder_a_temporary_one_is_made_and_nothing_else_is_touched(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    for made in (home, temporary):
        made.mkdir()
    settings = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "KRATE_REF": "nowhere"}
    done = run_demo(TMPDIR=str(temporary), **settings)
    assert done.returncode == 0
    assert list(home.iterdir()) == []
    [world] = temporary.iterdir()
    assert done.stdout.startswith(f"A small world in {world}: ")


@pytest.mark.slow
def test_steps_come_one_a_line_as_jsonl(tmp_path: Path) -> None:
    lines = run_demo(tmp_path / "world", "-o", "jsonl").stdout.splitlines()
    assert json.loads(lines[0])["title"] == "Which commit does a reader get?"


def test_an_installed_wheel_has_all_that_the_demo_needs(tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=top, capture_output=True, timeout=60, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "krate_gitops", "demo", str(tmp_path / "world"), "-o", "jsonl"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(tmp_path / "installed")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("brain", "config-repo"):
        files, packaged = top / "examples" / part, tmp_path / "installed/krate_gitops/examples" / part
        assert sorted(path.relative_to(files) for path in files.rglob("*")) == sorted(
            path.relative_to(packaged) for path in packaged.rglob("*")
        )


@pytest.mark.slow
def test_a_shell_that_does_not_find_the_program_is_told_where_it_is(tmp_path: Path) -> None:
    path = os.pathsep.join(part for part in os.defpath.split(os.pathsep) if not Path(part, "krate-gitops").exists())
    printed = run_demo(tmp_path / "world", PATH=path).stdout
    begin = "\n".join(re.findall(r"^export (?:PATH|KRATE_CONFIG)=.*$", printed, flags=re.MULTILINE)[:2])
    done = subprocess.run(
        ["bash", "-c", f"{begin}\nkrate-gitops ref resolve acme"],
        capture_output=True,
        timeout=60,
        env=environment(PATH=path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
