"""Console blocks of the documentation: what they run and what they say it prints.

A block begins with three backticks and ``console``. Lines that begin with ``$ `` are commands; they go on after a
backslash at the end, and on lines that begin with ``> ``. What follows is their output, where ``…`` stands for anything
within a line, and alone on a line for any number of lines. Ids, digests and durations may differ. A command that ends
with another code than 0 must be followed by ``$ echo $?``.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIES = (
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "<id>"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|s)\b"), "<time>"),
    (re.compile(r'("durationMs": )\d+'), r"\1<time>"),
)
_END = "\x1e"


class Example(NamedTuple):
    """A command and the output that the page shows."""

    command: str
    output: str


class Ran(NamedTuple):
    """What a command printed, standard error included, and its exit code."""

    output: str
    code: int


def examples(page: str) -> list[Example]:
    """All examples of a page, in order."""
    found: list[Example] = []
    for block in _BLOCK.findall(page):
        if not block.startswith("$ "):
            raise ValueError(f"a console block begins with a command, not with {block[:40]!r}")
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.split("\n")
            size = 1
            while lines[size - 1].endswith("\\") or lines[size].startswith("> "):
                size += 1
            command = "\n".join(line.removeprefix("> ") for line in lines[:size])
            found.append(Example(command, "\n".join(lines[size:]).strip("\n")))
    return found


def run_all(commands: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[Ran]:
    """Runs commands in one shell, so that a change of folder or variable lasts."""
    steps = (f"{command}\nlast=$?; printf '{_END}%d{_END}' $last; (exit $last)" for command in commands)
    done = subprocess.run(
        ["bash", "-c", "\n".join(steps)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
        check=False,
    )
    pieces = done.stdout.split(_END)
    return [Ran(output.strip("\n"), int(code)) for output, code in zip(pieces[::2], pieces[1::2], strict=False)]


def agrees(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, but for what may differ."""
    lines = []
    for line in _settled(shown).split("\n"):
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*")
        else:
            lines.append(r".*".join(re.escape(piece) for piece in line.rstrip().split("…")) + r"[ ]*\n")
    return re.fullmatch("".join(lines), _settled(printed) + "\n") is not None


def _settled(text: str) -> str:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text
