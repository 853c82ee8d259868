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

# Every pattern begins with the rarest character of what it looks for and looks back from there: these run over every
# text, and a search for one character skips the rest at the speed of memory.
_SUSPICIOUS = re.compile(
    r"[!&*%?<\\](?:"
    r"(?<![^\s\[{,:].)(?:(?<=!)|(?<=[&*])(?=\S))"  # tags, anchors, aliases
    r"|(?<=%)(?<![^\n].)"  # directives
    r"|(?<=\?)(?<![^\s\[{,].)(?!\S)"  # complex keys
    r"|(?<=<)<"  # merge keys
    r"|(?<=\\)(?:0|x00|u0000|U00000000)"  # escapes that yield NUL
    r")"
)
# Numbers that the parser types unlike the core schema: leading zeros, binary, signed hexadecimal and octal, and those
# too large for a double.
_STARTS_SCALAR = r"(?:(?<![^\s\[{,].)|(?<=[\s\[{,:][-+].)|(?<=[\"']:.)|(?<=\A[-+].))"
_ODD_ZERO = re.compile(rf"0(?=[0-9bBxXoO]){_STARTS_SCALAR}(?:[0-9bB]|(?<=[-+]0)[xXoO])")
_TOO_LARGE = re.compile(rf"[0-9.]{_STARTS_SCALAR}(?:[0-9.]*[eE]\+?[0-9]{{3}}|[0-9]{{299}})")
_EXPONENTS = (re.compile(r"e\+?[0-9]{3}"), re.compile(r"E\+?[0-9]{3}"))
_STEP = 149
"""Of any 299 characters in a row, at least two stand in every 149th place."""
_TWO_DIGITS = re.compile(r"[0-9][0-9]")
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
    if "\t" in text or _ODD_ZERO.search(text) or _may_exceed_a_double(text):
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


def _may_exceed_a_double(text: str) -> bool:
    """Whether the text may hold a number that is; first come looks that cost less and miss none."""
    maybe = any(exponent.search(text) for exponent in _EXPONENTS) or _TWO_DIGITS.search(text[::_STEP])
    return bool(maybe) and _TOO_LARGE.search(text) is not None
