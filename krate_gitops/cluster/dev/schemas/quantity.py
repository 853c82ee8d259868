"""Amounts with units, in the canonical spelling of Kubernetes: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache
from typing import Final

_FORM: Final = re.compile(
    r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?[0-9]+)?"
)
_LIMIT_OF_LENGTH: Final = 256
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BY_EXPONENT: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_MAX: Final = 2**63 - 1
_EXACT: Final = Context(prec=400)
_NANO: Final = Decimal("1e-9")

_NOT_A_QUANTITY: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The amount as the server writes it. Raises ValueError for what isn't an amount."""
    sign, digits, suffix = _parts(text)
    if suffix == "" and digits.isdigit() and len(digits) <= 18 and (digits == "0" or digits[0] != "0"):
        return text
    amount = _bounded(_amount(sign, digits, suffix))
    if suffix in _BINARY:
        return _binary(amount)
    if suffix[:1] in ("e", "E") and suffix not in ("E",):
        return _exponent(amount)
    return _decimal(amount)


@lru_cache(maxsize=4096)
def value(text: str) -> Decimal:
    """The amount as a number. Raises ValueError for what isn't an amount."""
    return _bounded(_amount(*_parts(text)))


def _parts(text: str) -> tuple[str, str, str]:
    """Sign, digits, suffix."""
    found = _FORM.fullmatch(text) if len(text) <= _LIMIT_OF_LENGTH else None
    if found is None:
        raise ValueError(_NOT_A_QUANTITY)
    sign, digits, suffix = found.groups()
    return sign, digits, suffix or ""


def _amount(sign: str, digits: str, suffix: str) -> Decimal:
    """The number, exactly."""
    number = Decimal(digits)
    if suffix in _BINARY:
        number = _EXACT.multiply(number, Decimal(2 ** _BINARY[suffix]))
    elif suffix in _DECIMAL:
        number = number.scaleb(_DECIMAL[suffix], _EXACT)
    else:
        exponent = int(suffix[1:])
        number = number.scaleb(max(-1000, min(1000, exponent)), Context(prec=400, Emin=-5000, Emax=5000))
    return -number if sign == "-" else number


def _bounded(number: Decimal) -> Decimal:
    """At most what 63 bits hold, and rounded up (away from zero) to billionths."""
    if abs(number) > _MAX:
        return Decimal(_MAX) if number > 0 else Decimal(-_MAX)
    if number != number.to_integral_value():
        size = abs(number).quantize(_NANO, rounding=ROUND_CEILING, context=_EXACT)
        return size if number > 0 else -size
    return number


def _decimal(number: Decimal) -> str:
    """With the largest decimal suffix that leaves a whole number."""
    whole, exponent = _without_zeros(number)
    return f"{whole}{_BY_EXPONENT[exponent]}"


def _exponent(number: Decimal) -> str:
    """With an exponent that is a multiple of three."""
    whole, exponent = _without_zeros(number, highest=1000)
    return f"{whole}e{exponent}" if exponent else str(whole)


def _without_zeros(number: Decimal, highest: int = 18) -> tuple[int, int]:
    """The number as a whole number times a power of thousand."""
    exponent = -9
    whole = int(number.scaleb(9, _EXACT))
    if not whole:
        return 0, 0
    while exponent < highest and whole % 1000 == 0:
        whole //= 1000
        exponent += 3
    return whole, exponent


def _binary(number: Decimal) -> str:
    """With the largest binary suffix that leaves a whole number; fractions and small numbers are decimal."""
    if number != number.to_integral_value() or abs(number) < 1024:
        return _decimal(number)
    whole = int(number)
    for suffix, shift in sorted(_BINARY.items(), key=lambda item: -item[1]):
        if whole % (1 << shift) == 0:
            return f"{whole >> shift}{suffix}"
    return str(whole)
