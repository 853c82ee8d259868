"""Tokens to go on with a list."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from krate_gitops.cluster.dev.refusals import bad_request

NEWEST = -1
"""In place of a version: go on with what is there now."""


class Token(NamedTuple):
    """Where a list goes on: behind ``after``, in the state of ``version``."""

    version: int
    after: str


def write_token(token: Token) -> str:
    """A token as text."""
    raw = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": token.version, "start": f"{token.after}\0"})
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_token(text: str) -> Token:
    """The token that ``text`` is. Raises ``ApiFailure`` 400."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.json.decode(raw, type=dict[str, str | int])
        version, start = found["rv"], found["start"]
    except (binascii.Error, ValueError, KeyError) as error:
        raise bad_request(f"invalid continue token: {error}") from error
    if not isinstance(version, int) or not isinstance(start, str) or not start:
        raise bad_request("invalid continue token: it names no place")
    return Token(version, start.removesuffix("\0"))
