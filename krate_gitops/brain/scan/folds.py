"""Tokens that continue on the next line.

YAML folds, backslashes at the end of a line and ``\\n`` inside JSON strings cut a token in two without changing what it
is worth. Literals are matched with an optional break between any two characters, and a token's body is gathered over
breaks as long as the pieces belong together.
"""

from __future__ import annotations

import re

import msgspec

from krate_gitops.brain.scan.randomness import goes_on

FOLD = r"(?:[ \t]{0,2}(?:\\?\r?\n|\\{1,4}n)[ \t>#]*\\{0,2})"
"""One line break inside a token, in the syntax that ``re`` and RE2 share."""

_FOLD = re.compile(FOLD)


class Gathered(msgspec.Struct, frozen=True):
    """A token without its line breaks, and the offset after its last character."""

    value: str
    end: int


def folded(literal: str) -> str:
    """A pattern for the literal with an optional break between its characters; a space stands for any white space."""
    parts = [rf"(?:[ \t]+|{FOLD})" if char == " " else re.escape(char) for char in literal]
    return f"{FOLD}?".join(parts)


def unfold(text: str) -> str:
    """The text with every break inside it removed."""
    return _FOLD.sub("", text)


def gather(text: str, at: int, body: re.Pattern[str], *, least: int, most: int = 512) -> Gathered | None:
    """The token that starts at ``at``: runs of ``body`` over line breaks.

    Runs are joined until ``least`` characters are there; further ones only if they look random too, so that the first
    word of the next line is not taken for the end of a token. ``None`` if fewer than ``least`` are found.
    """
    value = ""
    end = at
    if (before := _FOLD.match(text, at)) is not None:
        at = before.end()
    while len(value) < most:
        run = body.match(text, at, at + most - len(value))
        if run is None:
            break
        if len(value) >= least and not goes_on(run.group()):
            break
        value += run.group()
        end = run.end()
        fold = _FOLD.match(text, end)
        if fold is None:
            break
        at = fold.end()
    return Gathered(value, end) if len(value) >= least else None
