"""Encoded runs, decoded one level deep: base64, hex, percent encoding, character escapes.

Base64 and hex of ASCII text are regular languages: the top bit of every byte is zero, which fixes bits at known places.
Matching that shape finds encoded text and its alignment directly, and passes over digests, names and prose.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

import msgspec
import re2

from krate_gitops.brain.scan.folds import FOLD, unfold

# Four characters of base64 for three bytes below 0x80: index below 32, bit 3 clear,
# bit 1 clear, and the last one free.
_QUAD = r"[A-Za-f][A-HQ-Xg-nw-z0-3\-_][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_BASE64 = rf"(?:{_QUAD}{FOLD}?){{5}}(?:{FOLD}?{_QUAD})*(?:[A-Za-z0-9+/_-]{{2,3}})?"
_HEX = rf"(?:[2-7][0-9A-Fa-f]{FOLD}?){{14,}}"
_PERCENT = r"(?:[A-Za-z0-9._~+*!'-]{0,24}%[0-7][0-9A-Fa-f]){3,}[A-Za-z0-9._~+*!'-]*"
_ENTITIES = r"(?:&#(?:x[0-9A-Fa-f]{2,6}|[0-9]{2,7});){6,}"
_ESCAPES = r"(?:\\u00[2-7][0-9A-Fa-f]|\\x[2-7][0-9A-Fa-f]){6,}"


class Decoded(msgspec.Struct, frozen=True):
    """A run (character range of the text it stands in) and what it decodes to."""

    start: int
    end: int
    text: str


def _from_base64(run: str) -> bytes:
    plain = unfold(run).translate(str.maketrans("-_", "+/"))
    plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _from_hex(run: str) -> bytes:
    plain = unfold(run)
    return binascii.unhexlify(plain[: len(plain) // 2 * 2])


def _from_escapes(run: str) -> bytes:
    return bytes(int(code[-2:], 16) for code in run.split("\\")[1:])


_ENCODINGS: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    (_BASE64, _from_base64),
    (_HEX, _from_hex),
    (_PERCENT, lambda run: unquote_to_bytes(run.replace("+", " "))),
    (_ENTITIES, lambda run: html.unescape(run).encode()),
    (_ESCAPES, _from_escapes),
)

ENCODED = "|".join(pattern for pattern, _ in _ENCODINGS)
"""RE2 pattern of everything ``decoded_runs`` looks at."""

_JSON_STARTS = ("ey", "ew", "W1", "W3", "Wy")
"""What ``{`` and ``[`` with a string, a space or another bracket behind it look like in base64."""

_JSON_HEX = ("7b22", "7b20", "7b0a", "5b22", "5b7b", "5b20", "5b0a")

_COMPILED = tuple((re.compile(pattern), decode) for pattern, decode in _ENCODINGS)
_ANY = re2.compile(ENCODED)


def encoded_document(run: str) -> str | None:
    """The JSON object or list that a whole run of base64 or hex encodes, if it is ASCII: other scans can read it."""
    decode = _from_hex if run.lower().startswith(_JSON_HEX) else _from_base64
    if decode is _from_base64 and not run.startswith(_JSON_STARTS):
        return None
    try:
        text = decode(run.rstrip("=")).decode("ascii")
        msgspec.json.decode(text)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return text


def decoded_runs(text: str) -> Iterator[Decoded]:
    """Every encoded run of the text, decoded once. Bytes that are no UTF-8 become replacement characters."""
    if _ANY.search(text) is None:
        return
    for pattern, decode in _COMPILED:
        for match in pattern.finditer(text):
            try:
                plain = decode(match.group()).decode(errors="replace")
            except (binascii.Error, ValueError):
                continue
            yield Decoded(match.start(), match.end(), plain)
