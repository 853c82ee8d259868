from __future__ import annotations

import json
from collections.abc import Callable

import click
import pytest
import yaml

from krate_gitops.cli.commands import KrateCommand, LazyCommand
from krate_gitops.cli.failures import requested_output, wants_traceback
from krate_gitops.cli.main import Program
from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from tests.unit.cli.conftest import Run


def program(error: Callable[[], BaseException | int]) -> click.Command:
    """A program whose one command ends as told."""

    def end() -> int:
        outcome = error()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    group = Program("krate-gitops", table={})
    group.add_command(KrateCommand("end", callback=end))
    return group


@pytest.mark.parametrize(
    ("error", "code"),
    [(KrateError, 1), (UsageError, 2), (UnavailableError, 3), (DeniedError, 4)],
)
def test_a_failure_prints_code_message_and_hint_on_stderr_and_nothing_on_stdout(
    run: Run, error: type[KrateError], code: int
) -> None:
    result = run("end", command=program(lambda: error("SOME_CODE", "it failed", hint="do this", location="a.yaml:1:2")))
    assert result.exit_code == code
    assert result.stderr == "error[SOME_CODE]: a.yaml:1:2: it failed\nhint: do this\n"
    assert result.stdout == ""


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("jsonl", json.loads), ("yaml", yaml.safe_load)])
def test_machine_formats_get_an_error_object_on_stdout_too(
    run: Run, output: str, read: Callable[[str], object]
) -> None:
    command = program(lambda: KrateError("SOME_CODE", "it \x1b failed", hint="do this", location="x"))
    for arguments in (("-o", output, "end"), ("end", f"--output={output}"), ("end", f"-o{output}")):
        result = run(*arguments, command=command)
        assert result.exit_code == 1
        assert read(result.stdout) == {
            "error": {"code": "SOME_CODE", "message": "it \x1b failed", "hint": "do this", "location": "x"}
        }
        assert result.stderr.startswith(r"error[SOME_CODE]: x: it \x1b failed")


def test_a_defect_is_an_internal_error_with_advice_and_without_traceback(run: Run) -> None:
    result = run("end", command=program(lambda: ValueError("text of a secret file")))
    assert result.exit_code == 1
    assert "error[INTERNAL]" in result.stderr
    assert "hint: this is a defect" in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize("arguments", [("end", "-vv"), ("-v", "end", "-v"), ("--verbose", "end", "--verbose")])
def test_two_v_add_the_traceback(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, command=program(lambda: ValueError("why")))
    assert "Traceback (most recent call last)" in result.stderr
    assert "ValueError: why" in result.stderr


def test_a_failing_disk_is_unavailable_and_names_the_file(run: Run) -> None:
    result = run("end", command=program(lambda: PermissionError(13, "Permission denied", "/home/x")))
    assert result.exit_code == 3
    assert result.stderr.startswith("error[IO_FAILED]: /home/x: Permission denied\nhint: ")


def test_an_interrupt_ends_with_130(run: Run) -> None:
    result = run("end", command=program(KeyboardInterrupt))
    assert (result.exit_code, result.stderr, result.stdout) == (130, "interrupted\n", "")


@pytest.mark.parametrize("code", [0, 1, 4])
def test_what_a_command_returns_is_the_exit_code(run: Run, code: int) -> None:
    result = run("end", command=program(lambda: code))
    assert (result.exit_code, result.output) == (code, "")


def test_a_malformed_command_line_is_a_usage_error_that_names_the_way_out(run: Run) -> None:
    result = run("ref", "resolve", "--bogus", "-o", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "USAGE"
    assert "hint: run 'krate-gitops ref resolve --help'" in result.stderr


def test_an_unknown_command_suggests_the_nearest(run: Run) -> None:
    assert "did you mean completion?" in run("completoin").stderr
    assert run("ref", "reslove").exit_code == 2


def test_a_broken_table_entry_fails_alone(run: Run) -> None:
    broken = Program("krate-gitops", table={"gone": LazyCommand("krate_gitops.nowhere:x", "Gone.")})
    assert run("--help", command=broken).exit_code == 0
    assert "error[INTERNAL]" in run("gone", command=broken).stderr


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["-o", "json"], "json"),
        (["-oyaml"], "yaml"),
        (["-o=jsonl"], "jsonl"),
        (["--output=json", "x"], "json"),
        (["x", "--output", "json"], "json"),
        (["x", "--", "-o", "json"], "table"),
        (["-o"], "table"),
        (["-o", "nonsense"], "table"),
        (["-o", "json", "ref", "-o", "yaml"], "yaml"),
    ],
)
def test_the_output_form_is_found_on_lines_that_cannot_be_parsed(arguments: list[str], output: str) -> None:
    assert requested_output(arguments) == output


def test_tracebacks_can_be_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not wants_traceback(["-v", "value", ""])
    monkeypatch.setenv("KRATE_VERBOSE", "2")
    assert wants_traceback([])
