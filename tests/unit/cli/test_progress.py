from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from krate_gitops.cli.invocation import Invocation
from krate_gitops.cli.progress import LogLines, progress
from krate_gitops.progress import silent
from krate_gitops.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def invocation(*, quiet: bool = False, log_format: str = "json") -> Invocation:
    return Invocation(settings=Settings(home=Path("home")), quiet=quiet, log_format=log_format)


def test_off_a_terminal_long_work_logs_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    listen = LogLines(invocation(), clock=lambda: now[0])
    for done in range(1, 13):
        now[0] = float(done)
        listen("parse", done, 12)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["phase"], line["done"], line["total"]) for line in lines] == [("parse", 5, 12), ("parse", 10, 12)]


def test_short_work_logs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(invocation()) as listen:
        listen("parse", 1, 1)
    assert capsys.readouterr() == ("", "")


def test_quiet_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(invocation(quiet=True, log_format="console")) as listen:
        assert listen is silent


def test_a_terminal_gets_a_bar_that_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress(invocation(log_format="console")) as listen:
        listen("parse [bold]", 1, 3)
        listen("parse [bold]", 3, 3)
        listen("write", 5, 0)
    shown = screen.getvalue()
    assert "write" in shown
    assert shown.endswith("\x1b[2K") or shown.rstrip().endswith("\x1b[2K")
    assert capsys.readouterr().out == ""
