"""Text put back into the bytes of a file: its byte order mark, and each line with the end that it had."""

from __future__ import annotations

import re

from krate_gitops.updates.merge.line_hunks import hunks

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]*(\r\n|\r|\n)?")


def encoded_like(data: bytes, old: str, new: str) -> bytes:
    """A new text with LF line ends as bytes, dressed as a file is whose text was ``old``.

    Lines that stay keep their own line ends; new ones end as most lines of the file do.
    """
    mark = _BOM if data.startswith(_BOM) else b""
    if b"\r" not in data:
        return mark + new.encode()
    if new == old:
        return data
    ends = [match[1] for match in _LINE.finditer(data, len(mark)) if match[1]]
    usual = max(dict.fromkeys(ends), key=ends.count)
    if len(set(ends)) == 1:
        return mark + new.replace("\n", usual.decode()).encode()
    lines = new.split("\n")
    chosen = [usual] * len(lines)
    at = to = 0
    for hunk in [*hunks(old.split("\n"), lines), None]:
        stop = len(lines) if hunk is None else hunk.first
        chosen[to:stop] = (ends[at : at + stop - to] + [usual] * (stop - to))[: stop - to]
        if hunk is not None:
            at, to = hunk.end, hunk.last
    pieces = [line.encode() + end for line, end in zip(lines[:-1], chosen, strict=False)]
    return mark + b"".join(pieces) + lines[-1].encode()
