"""Names inside trees: which ones are refused, and how to print any of them."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Invisible, but words of some scripts and some emoji need them; two file systems ignore them, see ``.git``."""
_HIDDEN = "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_CONTROL = "\x00-\x1f\x7f-\x9f"

_DOT_GIT = "".join((r"\.", *(f"[{_JOINERS}]*{letter}" for letter in "git"), f"[{_JOINERS}]*"))
"""``.git`` as some file systems see it: without joiners, and without case."""

_FAULTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\A\Z"), "the name is empty"),
    (re.compile(r"\A\.\.?\Z"), "the name means a folder above or the folder itself"),
    (re.compile(r"\A/"), "the path is absolute"),
    (re.compile(r"/"), "the name contains a slash"),
    (re.compile(r"\\"), "the name contains a backslash"),
    (re.compile(f"[{_CONTROL}]"), "the name contains a control character"),
    (re.compile(f"[{_HIDDEN}]"), "the name contains an invisible or bidirectional control character"),
    (re.compile(rf"(?i)\A(?:{_DOT_GIT}|git~[0-9]+)\Z"), "the name means .git"),
    (re.compile(r"[. ]\Z"), "the name ends with a dot or a space"),
)
"""Table of refused names; the first that matches gives the reason."""

_SUSPICIOUS = re.compile(
    rf"[\x01-\x1f\x7f-\x9f{_HIDDEN}{_JOINERS}/\\]|(?:\A|\0)(?:\0|\Z|\.?[gG][iI][tT])|[. ](?:\0|\Z)"
)
"""Finds every list of names, joined by NUL, with a name that the table refuses (and a few others)."""


def find_fault(name: bytes) -> str | None:
    """Why a name of a tree entry is refused; ``None`` for an honest one."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return "the name is not UTF-8"
    return next((reason for pattern, reason in _FAULTS if pattern.search(text)), None)


def honest_names(names: tuple[bytes, ...]) -> list[str] | None:
    """All names as text when none could be refused; ``None`` when each must be looked at with ``find_fault``.

    One search over all of them, because nearly every folder is honest and large ones must not cost a call a name.
    """
    try:
        joined = b"\0".join(names).decode()
    except UnicodeDecodeError:
        return None
    return None if _SUSPICIOUS.search(joined) else joined.split("\0")


def escape_name(name: bytes | str) -> str:
    """A printable form of any name or path: bytes that are no UTF-8 as ``\\xNN``, hidden characters by number."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable() and unicodedata.category(character) not in ("Cf", "Zl", "Zp"):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
