"""Runs steps and keeps what they came to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from krate_gitops.demo.steps import Runner, Step

PROGRAM = "krate-gitops"


class Played(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step with its real result: text, or the value that ``-o json`` printed."""

    title: str
    command: str
    exit_code: int
    result: Any


def play(steps: Sequence[Step], run: Runner, *, structured: bool) -> Iterator[tuple[Step, Played]]:
    """Each step after it has run; ``structured`` adds ``-o json`` to every command and decodes what it prints."""
    options = ("-o", "json") if structured else ()
    for step in steps:
        if step.act is not None:
            yield step, Played(title=step.title, command=step.command, exit_code=0, result=step.act())
            continue
        arguments = (*(step.after(run) if step.after else step.arguments), *options)
        ran = run(arguments)
        result = msgspec.json.decode(ran.text) if structured else ran.text
        command = shlex.join((PROGRAM, *arguments))
        yield step, Played(title=step.title, command=command, exit_code=ran.exit_code, result=result)


def shortened(text: str, lines: int) -> str:
    """The first lines of a text, and how many were left out; a single one is never left out."""
    every = text.rstrip("\n").split("\n")
    if len(every) <= lines + 1:
        return "\n".join(every)
    return "\n".join([*every[:lines], f"… {len(every) - lines} more lines"])
