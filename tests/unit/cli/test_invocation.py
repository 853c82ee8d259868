from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.main import Program
from krate_gitops.cli.options import jobs_option
from tests.unit.cli.conftest import Run


@click.command("tell", cls=KrateCommand)
@jobs_option
@pass_invocation
def tell(invocation: Invocation) -> None:
    click.echo(
        json.dumps(
            {
                "home": str(invocation.settings.home),
                "org": invocation.settings.organization,
                "jobs": invocation.settings.jobs,
                "deadline": invocation.settings.deadline_seconds,
                "output": invocation.output,
                "log_format": invocation.log_format,
                "verbosity": invocation.verbosity,
                "quiet": invocation.quiet,
                "atlas": invocation.locate("atlas"),
                "notes": invocation.locate("notes"),
            }
        )
    )


@pytest.fixture
def program() -> click.Command:
    group = Program("krate-gitops", table={})
    group.add_command(tell)
    return group


def write_config(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config" / "krate-gitops" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_global_options_count_before_and_after_the_command_and_the_later_wins(run: Run, program: click.Command) -> None:
    for arguments in (("--org", "atlas", "tell"), ("tell", "--org", "atlas"), ("--org", "x", "tell", "--org", "atlas")):
        assert json.loads(run(*arguments, command=program).stdout)["org"] == "atlas"


def test_an_argument_beats_the_environment_at_any_level(run: Run, program: click.Command) -> None:
    said = run("--org", "given", "tell", command=program, KRATE_ORG="environment")
    assert json.loads(said.stdout)["org"] == "given"
    assert json.loads(run("tell", command=program, KRATE_ORG="environment").stdout)["org"] == "environment"


def test_every_level_of_defaults_is_used_in_turn(run: Run, program: click.Command, tmp_path: Path) -> None:
    defaults = json.loads(run("tell", command=program).stdout)
    assert (defaults["org"], defaults["jobs"], defaults["output"]) == ("local", 0, "table")
    assert defaults["home"] == str(tmp_path / "data" / "krate-gitops")
    write_config(tmp_path, 'org = "configured"\njobs = 3\nhome = "state"\ndeadline-seconds = 5\nlog-format = "json"\n')
    configured = json.loads(run("tell", command=program).stdout)
    assert (configured["org"], configured["jobs"], configured["deadline"]) == ("configured", 3, 5)
    assert configured["home"] == str(tmp_path / "config" / "krate-gitops" / "state")
    assert configured["log_format"] == "json"
    given = json.loads(run("tell", "--jobs", "0", "--org", "given", command=program, KRATE_HOME="/h").stdout)
    assert (given["jobs"], given["org"], given["home"]) == (0, "given", "/h")


def test_a_named_configuration_replaces_the_user_s_own(run: Run, program: click.Command, tmp_path: Path) -> None:
    write_config(tmp_path, 'org = "user"\n')
    named = tmp_path / "named.toml"
    named.write_text("jobs = 2\n")
    said = json.loads(run("tell", "--config", named, command=program).stdout)
    assert (said["org"], said["jobs"]) == ("local", 2)


def test_a_repository_s_name_means_its_location_unless_a_path_has_that_name(
    run: Run, program: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(
        tmp_path,
        '[repositories.atlas]\nlocation = "https://git.example.com/atlas.git"\n'
        '[repositories.notes]\nlocation = "brains/notes"\n',
    )
    monkeypatch.chdir(tmp_path)
    said = json.loads(run("tell", command=program).stdout)
    assert said["atlas"] == "https://git.example.com/atlas.git"
    assert said["notes"] == str(file.parent / "brains" / "notes")
    (tmp_path / "atlas").mkdir()
    assert json.loads(run("tell", command=program).stdout)["atlas"] == "atlas"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("orgg = 'x'", "unknown setting 'orgg'"),
        ("org = 3", "Expected `str"),
        ("jobs = -1", "Expected `int` >= 0"),
        ("output = 'xml'", "output must be one of table, json, yaml, jsonl"),
        ("not toml", "Expected '='"),
        ("[repositories.a]\nurl = 'x'", "url"),
    ],
)
def test_a_wrong_setting_is_a_usage_error_at_the_file(
    run: Run, program: click.Command, tmp_path: Path, text: str, message: str
) -> None:
    file = write_config(tmp_path, text)
    result = run("tell", command=program)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error[CONFIG_INVALID]: {file}: ")
    assert message in result.stderr


def test_a_configuration_that_is_not_text_is_refused(run: Run, program: click.Command, tmp_path: Path) -> None:
    write_config(tmp_path, "").write_bytes(b"\xff\xfe")
    assert "error[CONFIG_INVALID]" in run("tell", command=program).stderr


def test_verbose_logs_what_ran_on_stderr(run: Run, program: click.Command) -> None:
    result = run("tell", "-v", "--log-format", "json", command=program)
    assert json.loads(result.stderr)["command"] == "krate-gitops tell"
    assert run("tell", "-vq", command=program).stderr == ""
    json.loads(result.stdout)
