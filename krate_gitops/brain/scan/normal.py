"""Text as the injection scan matches it: compatibility forms folded, look-alikes mapped, invisible characters gone.

Every change of length is remembered, so that a match is reported where it stands in the original text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

import msgspec

# Letters of other scripts that read as Latin ones, and punctuation that phrases contain.
_GROUPS = (
    ("аеорсухіјѕһԁԛԝѵӏгкмтвн", "aeopcyxijshdqwvlrkmtbh"),
    ("АЕОРСУХІЈЅҺВНКМТ", "aeopcyxijshbhkmt"),
    ("αεικνορτυχγω", "aeiknoptuxyw"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    ("ıɡɩʀɢɪɴʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱ", "igirginlacdejkmoptuvwzs"),
    ("ˋ‵´", "```"),
)
_LOOKALIKES = {char: latin for chars, reads in _GROUPS for char, latin in zip(chars, reads, strict=True)}
_PUNCTUATION = dict(zip("‘’‛ʼ“”‐‑‒–", "''''\"\"----", strict=True))
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Inside of a character class: characters that take no place on a page."""

_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_COMPATIBLE = (
    "ªº\u0132\u0133\u013f\u0140\u0149\u017f\u01c4-\u01cc\u01f1-\u01f3\u02b0-\u02b8\u02e0-\u02e3\u1d2c-\u1d6a\u1d78\u1e9a\u1e9b"
    "\u2071\u207f\u2090-\u209c\u20a8\u2100-\u214f\u2160-\u217f\u249c-\u24e9\u2c7c\u2c7d\u3250\u32cc-\u32cf\u3371-\u33ff"
    "\ua7f1-\ua7f4\uab5c-\uab5f\ufb00-\ufb06\uff01-\uff5e\U00010780-\U000107ba\U0001d400-\U0001d7ff\U0001f110-\U0001f16c"
    "\U0001f190\u1d9c-\u1dbf\u00b4\U0001ccd6-\U0001ccef\u0130\u1fef\ufe64\ufe65"
)
DISGUISING = INVISIBLE + _COMBINING + _COMPATIBLE + "".join(_LOOKALIKES)
"""Inside of a character class: every character that ``normalise`` drops or turns into something ASCII letters match."""

_DROPPED = re.compile(f"[{INVISIBLE}{_COMBINING}]")
_DISGUISE = re.compile(f"[{DISGUISING}]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Normal(msgspec.Struct, frozen=True):
    """Normalised text and the way back. ``at`` and ``source`` are offsets of the same places in both."""

    text: str
    at: list[int]
    source: list[int]

    def original(self, offset: int) -> int:
        """Offset in the original text of an offset in the normalised one."""
        index = bisect_right(self.at, offset) - 1
        limit = self.source[index + 1] if index + 1 < len(self.source) else None
        place = self.source[index] + offset - self.at[index]
        return place if limit is None else min(place, limit)


def normalise(text: str) -> Normal:
    """NFKC and case folding a character at a time, look-alikes to Latin, marks and invisible characters removed."""
    if text.isascii():
        return Normal(text.lower(), [0], [0])
    parts: list[str] = []
    at, source = [0], [0]
    length = done = 0
    for match in _NOT_ASCII.finditer(text):
        start = match.start()
        new = _fold(match.group())
        parts.append(text[done:start].lower())
        length += start - done
        parts.append(new)
        done = start + 1
        if len(new) != 1:
            at.extend((length, length + len(new)))
            source.extend((start, done))
        length += len(new)
    parts.append(text[done:].lower())
    return Normal("".join(parts), at, source)


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    if not _DISGUISE.match(char):
        return lower if len(lower := char.lower()) == 1 else char
    if char in _LOOKALIKES:
        return _LOOKALIKES[char]
    if _DROPPED.match(char):
        return ""
    plain = unicodedata.normalize("NFKC", char).casefold()
    return "".join(_LOOKALIKES.get(one, one) for one in plain if not _DROPPED.match(one))
