"""Formats of strings that schemas may ask for."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Final
from urllib.parse import urlsplit


def format_checker(name: str) -> Callable[[str], bool] | None:
    """The check of a format of strings; None for formats of numbers and for unknown ones, which check nothing."""
    return _CHECKS.get(name.replace("-", "")) if name else None


_DATE_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[tT]"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UUID: Final = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?{VERSION}[0-9a-fA-F]{3}-?{VARIANT}[0-9a-fA-F]{3}-?[0-9a-fA-F]{12}"
_DURATION_UNITS: Final = r"(?:ns|us|µs|μs|ms|s|m|h|d|w)"


def _is_date(text: str) -> bool:
    """A day of the calendar, written YYYY-MM-DD."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    """A time of RFC 3339."""
    found = _DATE_TIME.fullmatch(text)
    return found is not None and _is_date(found.group(1))


def _is_ip(version: int) -> Callable[[str], bool]:
    """A check for addresses of one version of IP."""

    return lambda text: ip_version(text) == version


def ip_version(text: str) -> int | None:
    """4 or 6 for an address, None for what is none."""
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def is_network(text: str) -> bool:
    """An address with the length of a prefix."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _is_uri(text: str) -> bool:
    """An absolute address, or an absolute path."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_bytes(text: str) -> bool:
    """Base64 with padding."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _matches(pattern: str) -> Callable[[str], bool]:
    """A check for texts that match as a whole."""
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _uuid(version: str, variant: str) -> Callable[[str], bool]:
    """A check for UUIDs of one version."""
    return _matches(_UUID.replace("{VERSION}", version).replace("{VARIANT}", variant))


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "date": _is_date,
    "datetime": _is_date_time,
    "duration": _matches(
        rf"[0-9]+|[+-]?0|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*{_DURATION_UNITS}(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*{_DURATION_UNITS})*"
    ),
    "email": _matches(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+"),
    "hostname": _matches(
        r"(?=.{1,255}$)[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9])?)*\.?"
    ),
    "ipv4": _is_ip(4),
    "ipv6": _is_ip(6),
    "cidr": is_network,
    "mac": _matches(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}"),
    "uri": _is_uri,
    "byte": _is_bytes,
    "uuid": _uuid("[0-9a-fA-F]", "[0-9a-fA-F]"),
    "uuid3": _uuid("3", "[0-9a-fA-F]"),
    "uuid4": _uuid("4", "[89abAB]"),
    "uuid5": _uuid("5", "[89abAB]"),
}
