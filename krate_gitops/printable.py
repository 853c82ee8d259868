"""Text from outside, made safe to show.

What a brain holds is written by anyone: a title may carry a terminal's escape sequence, a path a line break, a message
a character that turns the reading direction round. On its way to a screen each such character becomes a visible
escape, so that nothing moves the cursor, hides text, forges a second line or starts a runner's command.
"""

from __future__ import annotations

import re

_INVISIBLE = "".join(
    (
        "\x7f-\x9f",  # DEL and the C1 controls
        "\u00ad\u180e\u200b\u2060-\u206f\ufeff\ufff9-\ufffb",  # no width; joiners stay, scripts and emoji need them
        "\u061c\u200e\u200f\u2028-\u202e",  # direction marks and overrides, line and paragraph separators
        "\ud800-\udfff",  # halves of surrogate pairs
        "\U000e0000-\U000e007f",  # tag characters
    )
)
_UNSAFE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_UNSAFE_IN_BLOCK = re.compile(f"[\x00-\x08\x0b-\x1f{_INVISIBLE}]")
_UNSAFE_IN_JSON = re.compile(f"[{_INVISIBLE}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """One line of text without any character that a terminal obeys or hides: ``\\x1b``, ``\\n``, ``\\u202e``."""
    return _UNSAFE.sub(_visible, text)


def printable_block(text: str) -> str:
    """The same for text of several lines: line feeds and tabs stay."""
    return _UNSAFE_IN_BLOCK.sub(_visible, text)


def escape_invisible(text: str) -> str:
    """Replaces what is invisible by the ``\\u`` escapes of JSON.

    For text that is JSON already, or double-quoted YAML: the value read back is the same, but for half a surrogate
    pair (a byte of a path that isn't UTF-8), which strict readers refuse and which becomes U+FFFD.
    """
    return _UNSAFE_IN_JSON.sub(_json_escape, text)


def has_invisible(text: str) -> bool:
    """Whether ``escape_invisible`` would change the text."""
    return _UNSAFE_IN_JSON.search(text) is not None


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    if short := _SHORT.get(character):
        return short
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _json_escape(match: re.Match[str]) -> str:
    point = ord(match.group())
    if 0xD800 <= point <= 0xDFFF:
        return "\\ufffd"
    if point < 0x10000:
        return f"\\u{point:04x}"
    point -= 0x10000
    return f"\\u{0xD800 | point >> 10:04x}\\u{0xDC00 | point & 0x3FF:04x}"
