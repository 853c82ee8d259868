"""Text of pull requests: what is sent to a forge is plain, bounded, and can't give it orders.

A body ends with the trailer ``Krate-Diff-Digest:``. Titles and bodies hold words of agents; forges and their robots
take a line that starts with a slash for a command (``/merge``, ``/approve``), so none does.
"""

from __future__ import annotations

import re

from krate_gitops.printable import printable, printable_block

TRAILER = "Krate-Diff-Digest"
TITLE_LENGTH = 200
BODY_LENGTH = 60_000
"""Characters; below what any of the forges takes."""
DESCRIPTION_LENGTH = 140
_CUT = "\n\n(cut)"
_COMMAND = re.compile(r"^([ \t>*+\-]*)/(?=[A-Za-z_])", re.MULTILINE)
_TRAILER = re.compile(rf"^{TRAILER}: (sha256:[0-9a-f]{{64}})$")
_UNFINISHED = re.compile(r"\W*(?:draft|wip)\b", re.IGNORECASE)
"""Beginnings of titles that forges take for "not to be merged yet"."""
_MARK = "\u2215"


def title_text(title: str) -> str:
    """One printable line of at most 200 characters."""
    words = " ".join(printable(" ".join(title.split())).split()) or "(no title)"
    if _UNFINISHED.match(words):
        words = f"Memory: {words}"
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


def body_text(body: str, digest: str) -> str:
    """A body that is plain, bounded, and ends with the digest's trailer."""
    trailer = f"{TRAILER}: {digest}"
    room = BODY_LENGTH - len(trailer) - len(_CUT) - 4
    text = plain_text(body)
    shown = text if len(text) <= room else text[:room] + _CUT
    # A body that repeats the trailer would hide which one counts.
    lines = [f" {line}" if line.startswith(f"{TRAILER}:") else line for line in shown.split("\n")]
    return "\n".join(lines).rstrip() + f"\n\n{trailer}\n"


def comment_text(text: str) -> str:
    """A comment that is plain and bounded; never empty."""
    shown = plain_text(text).strip() or "(no text)"
    return shown if len(shown) <= BODY_LENGTH else shown[:BODY_LENGTH] + _CUT


def plain_text(text: str) -> str:
    """Text without what is invisible, and without lines that a forge takes for commands."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    return _COMMAND.sub(rf"\1{_MARK}", printable_block(normal))


def description_text(text: str) -> str:
    """One printable line, as short as the description of a status must be."""
    words = printable(" ".join(text.split()))
    return words if len(words) <= DESCRIPTION_LENGTH else words[: DESCRIPTION_LENGTH - 1] + "…"


def digest_in(body: str) -> str | None:
    """The digest of a body's trailer, which is its last line."""
    lines = body.replace("\r\n", "\n").rstrip().rsplit("\n", 1)
    found = _TRAILER.match(lines[-1].strip())
    return found.group(1) if found else None
