"""The fast YAML path: a Rust parser for the ordinary file, and the suspicion that sends the rest to the exact path.

``ryaml`` reads an order of magnitude faster than anything with positions, but it is lax: it drops tags, takes ``<<``
for a key, breaks lines where YAML 1.2 does not, and loses the source of numbers. So a text is looked over first, and
whatever might be read differently is not given to it at all. A property test holds both paths together.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import ryaml

_loads: Any = getattr(ryaml, "loads")  # noqa: B009 - its stubs export nothing
_InvalidYaml: type[Exception] = getattr(ryaml, "InvalidYamlError")  # noqa: B009

# Each needs a second look only when its first character is there at all.
_SUSPICIOUS = re.compile(
    r"(?:^|[\s\[{,:])(?:!|[&*]\S)"  # tags, anchors, aliases
    r"|^%"  # directives
    r"|(?:^|[\s\[{,])\?(?:\s|$)"  # complex keys
    r"|<<"  # merge keys
    r"|\\(?:0|x00|u0000|U00000000)",  # escapes that yield NUL
    re.MULTILINE,
)
# Numbers that the parser types unlike the core schema: leading zeros, binary, signed hexadecimal and octal, and those
# too large for a double. It starts at a digit, because those are rare, and looks back for the start of a scalar.
_ODD_NUMBER = re.compile(
    r"[0-9.](?:(?<![^\s\[{,].)|(?<=[\s\[{,:][-+].)|(?<=[\"']:.)|(?<=\A[-+].))"
    r"(?:(?<=0)[0-9bB]|(?<=[-+]0)[xXoO]|[0-9.]*[eE]\+?[0-9]{3}|[0-9]{299})"
)
_FRACTION = re.compile(r"(?<![\w.+-])[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?(?![\w.])")


_MANY_BRACKETS = 4096
"""Flow collections above which a text is looked at elsewhere: libyaml's time grows with the square of their depth, and
this parser reads to the end before it says that they are too deep."""


class NeedExact(Exception):
    """The fast path cannot vouch for this text."""


def parse_fast(text: str) -> Any:
    """Value of a text that holds one YAML document; numbers that are not integers stay floats.

    Raises ``NeedExact`` when the text is suspicious or does not parse.
    """
    if _is_suspicious(text):
        raise NeedExact
    try:
        return _loads(text)
    except (_InvalidYaml, ValueError, RecursionError, OverflowError):
        raise NeedExact from None


def fractions_are_plain(text: str) -> bool:
    """Whether each number with a fraction or exponent in the text is written as Python prints it.

    Then the source text of a parsed float is its ``repr``, and nothing was lost.
    """
    return all(repr(float(number)) == number for number in _FRACTION.findall(text))


def _is_suspicious(text: str) -> bool:
    if text.count("[") + text.count("{") > _MANY_BRACKETS:
        return True
    if "\t" in text or _ODD_NUMBER.search(text):
        return True
    if (
        "!" in text or "&" in text or "*" in text or "%" in text or "?" in text or "<<" in text or "\\" in text
    ) and _SUSPICIOUS.search(text):
        return True
    return not text.isascii() and (
        "\u0085" in text
        or "\u2028" in text
        or "\u2029" in text
        or "\ufeff" in text
        or not unicodedata.is_normalized("NFC", text)
    )
