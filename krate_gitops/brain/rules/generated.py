"""Blocks of text that a controller writes between markers (KB094).

``<!-- krate:generated name=<slug> digest=sha256:<hex> -->`` opens a block and ``<!-- krate:end name=<slug> -->`` ends
it, each on a line of its own. The digest covers the text between the two lines, so that an edit by hand shows.
"""

from __future__ import annotations

import re

import msgspec

from krate_gitops.brain.model import Finding
from krate_gitops.digest import sha256_digest

_ANY = "<!-- krate:"
_MARKER = re.compile(r"[ ]{0,3}<!--[ ]krate:(generated|end)\b([^\n]*)")
_OPENING = re.compile(r" name=([a-z0-9]+(?:-[a-z0-9]+)*) digest=(sha256:[0-9a-f]{64}) -->[ \t]*")
_ENDING = re.compile(r" name=([a-z0-9]+(?:-[a-z0-9]+)*) -->[ \t]*")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")


class _Block(msgspec.Struct, frozen=True):
    """An opened block: its name, digest, the offset of its marker and of its text."""

    name: str
    digest: str
    marker: int
    start: int


def block_digest(body: str) -> str:
    """Digest of the text of a block; line ends around it do not count."""
    return sha256_digest(body.strip("\n").encode())


def check_generated_blocks(text: str) -> list[Finding]:
    """KB094 in a decoded file: markers are well formed and balanced, and the text between them is as generated.

    Markers inside fenced code are examples.
    """
    if _ANY not in text:
        return []
    findings: list[Finding] = []
    names: set[str] = set()
    block: _Block | None = None
    for kind, rest, start, end in _markers(text):
        match = (_OPENING if kind == "generated" else _ENDING).fullmatch(rest)
        if match is None:
            findings.append(_finding(f'marker "krate:{kind}" is malformed', start))
        elif kind == "generated":
            if block is not None:
                findings.append(_never_closed(block))
            block = _Block(match[1], match[2], start, end)
            if block.name in names:
                findings.append(_finding(f'generated block "{block.name}" is there twice', start))
            names.add(block.name)
        elif block is None or block.name != match[1]:
            findings.append(_finding(f'generated block "{match[1]}" ends without a start', start))
        else:
            if not _is_unedited(text[block.start : start], block.digest):
                findings.append(_finding(f'generated block "{block.name}" was hand-edited', block.marker))
            block = None
    if block is not None:
        findings.append(_never_closed(block))
    return findings


def _markers(text: str) -> list[tuple[str, str, int, int]]:
    """Kind, rest of the line, and the range of each marker line outside fenced code."""
    found: list[tuple[str, str, int, int]] = []
    fence = ""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        line = text[start:end].rstrip("\n")
        opened = _FENCE.match(line)
        if fence:
            # A fence ends at a line of at least as many of its characters, and nothing else.
            if opened and opened[1].startswith(fence) and not line.strip(f" {fence[0]}\t"):
                fence = ""
        elif opened:
            fence = opened[1]
        elif marker := _MARKER.fullmatch(line):
            found.append((marker[1], marker[2], start, end))
        start = end
    return found


def _is_unedited(body: str, digest: str) -> bool:
    # Writers differ in whether the last line end belongs to the text.
    bare = body.strip("\n")
    return digest in (block_digest(body), sha256_digest(body.encode()), sha256_digest(f"{bare}\n".encode()))


def _never_closed(block: _Block) -> Finding:
    return _finding(f'generated block "{block.name}" is never closed', block.marker)


def _finding(message: str, offset: int) -> Finding:
    return Finding("KB094", message, offset=offset)
