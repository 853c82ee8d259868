"""What only a real process shows: imports, signals, pipes, the shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder
from tests.unit.memory.world import ONTOLOGY

PROGRAM = [sys.executable, "-m", "krate_gitops"]
HEAVY = ("numpy", "tantivy", "rich", "yaml", "ryaml", "structlog", "dulwich", "re2", "alembic", "sqlalchemy", "mcp")


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def imported_by(*arguments: object) -> set[str]:
    """Top-level modules that a command line had imported at its end."""
    code = (
        "import sys, runpy, atexit\n"
        "atexit.register(lambda: sys.stderr.write('\\n' + ' '.join({m.split('.')[0] for m in sys.modules})))\n"
        "runpy.run_module('krate_gitops', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def test_help_and_version_import_next_to_nothing() -> None:
    for arguments in (
        ["--help"],
        ["--version"],
        ["ref", "resolve", "--help"],
        ["mcp", "--help"],
        ["audit", "query", "--help"],
        ["config", "validate", "--help"],
        ["snapshot", "--help"],
        ["snapshot", "create", "--help"],
        ["snapshot", "list", "--help"],
        ["completion", "bash"],
    ):
        light = {"msgspec"} if arguments[0] not in ("ref", "mcp", "audit", "snapshot", "config") else set()
        assert imported_by(*arguments) & {*HEAVY, *light} == set()


def test_ref_resolve_imports_nothing_heavy(brain: RepoBuilder) -> None:
    for output in ("table", "json", "jsonl"):
        assert imported_by("ref", "resolve", brain.path, "-o", output) & set(HEAVY) == set()


def test_reading_the_audit_log_imports_the_database_and_nothing_else_heavy(tmp_path: Path) -> None:
    open_database(Settings(home=tmp_path))
    close_databases()
    for command in ("query", "verify"):
        assert imported_by("audit", command, "--home", tmp_path) & set(HEAVY) == {"sqlalchemy"}


def test_whoever_has_no_records_loads_no_database_library(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "brain.git")
    repo.commit({**ONTOLOGY, "notes/a.md": "# A\n\nA needle.\n"})
    home = ("--home", tmp_path / "home")
    databases = {"sqlalchemy", "alembic", "psycopg"}
    assert imported_by("brain", "query", repo.path, "needle", *home) & databases == set()
    assert imported_by("ref", "resolve", repo.path, *home) & databases == set()
    assert not (tmp_path / "home" / "records.sqlite").exists()
    imported_by("snapshot", "create", repo.path, "needle", *home)
    assert imported_by("snapshot", "create", repo.path, "needle", *home) & databases == {"sqlalchemy"}


def test_the_installed_program_is_the_module() -> None:
    program = Path(sys.executable).parent / "krate-gitops"
    if not program.exists():
        program = Path(shutil.which("krate-gitops") or "")
    installed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert installed.stdout == process("--version").stdout


def test_results_are_alone_on_stdout_and_errors_on_stderr(brain: RepoBuilder) -> None:
    done = process("ref", "resolve", brain.path, "-v")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert all(line.split("  ")[0].isalpha() for line in done.stdout.splitlines())
    failed = process("ref", "resolve", brain.path, "--ref", "nowhere")
    assert (failed.returncode, failed.stdout) == (3, "")
    assert failed.stderr.startswith("error[MEMORY_REF_NOT_FOUND]")


def test_a_reader_that_goes_away_is_no_reason_for_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, "completion", "bash"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def test_a_terminal_that_cannot_show_a_character_gets_an_escape(tmp_path: Path) -> None:
    done = process("ref", "resolve", tmp_path / "brain-漢", PYTHONIOENCODING="latin-1")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert r"brain-\u6f22" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_130_wherever_it_comes_from(number: signal.Signals) -> None:
    code = (
        "import click, sys, time\n"
        "from krate_gitops.cli.main import cli, run\n"
        "from krate_gitops.cli.commands import KrateCommand\n"
        "def wait():\n"
        "    click.echo('ready')\n"
        "    time.sleep(60)\n"
        "cli.add_command(KrateCommand('wait', callback=wait))\n"
        "sys.argv[1:] = ['wait']\n"
        "run()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "ready\n"
        waiting.send_signal(number)
        _, stderr = waiting.communicate(timeout=30)
    assert (waiting.returncode, stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_back_into_the_program(shell: str) -> None:
    script = process("completion", shell)
    assert script.returncode == 0
    assert f"_KRATE_GITOPS_COMPLETE={shell}_complete" in script.stdout


def test_bash_completes_commands_and_options() -> None:
    def complete(words: str, at: int) -> str:
        return process(COMP_WORDS=words, COMP_CWORD=str(at), _KRATE_GITOPS_COMPLETE="bash_complete").stdout

    assert "plain,ref\n" in complete("krate-gitops r", 1)
    assert "plain,--snapshot-tag\n" in complete("krate-gitops ref resolve --s", 3)
    assert "plain,jsonl\n" in complete("krate-gitops -o j", 2)
