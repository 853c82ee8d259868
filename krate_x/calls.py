"""One request to the API server as the transport needs it, and the count of what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from krate_gitops.cluster.client.failures import TooLargeError
from krate_gitops.cluster.client.identity import Identity
from krate_gitops.cluster.client.status import Request
from krate_gitops.errors import UsageError

JSON = "application/json"
_MOST_BYTES = 3 * 1024 * 1024
"""What an API server takes as one body. It closes the connection on more, which would look like a broken network."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request. ``path`` is quoted, ``query`` encoded.

    ``verb`` is the word it is counted under. ``repeatable`` says whether doing it twice is the same as doing it once;
    others are sent again only when they provably weren't processed. ``sent`` is the object in the body.
    """

    verb: str
    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    identity: Identity | None = None
    repeatable: bool = True
    location: str = ""
    sent: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Call({self.verb} {self.location or self.path})"

    @property
    def request(self) -> Request:
        """How an error names it."""
        return Request(f"{self.verb} {self.location or self.path}", self.location, self.sent)


class Calls(msgspec.Struct):
    """Requests that left this process, by verb (``get``, ``list``, ``apply``, ``delete`` …); shared by a whole pool.

    ``retries`` are among ``requests``: those that were sent because one before them failed.
    """

    requests: Counter[str] = msgspec.field(default_factory=Counter)
    retries: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All requests."""
        return self.requests.total()

    def count(self, verb: str, *, retry: bool) -> None:
        """Notes one request."""
        self.requests[verb] += 1
        if retry:
            self.retries[verb] += 1


def query_of(parameters: Iterable[tuple[str, str]]) -> str:
    """An encoded query string of the parameters that aren't empty."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters if value)


def encoded(body: Mapping[str, Any] | Iterable[Any], *, location: str) -> bytes:
    """A JSON body.

    Raises ``UsageError`` for what JSON can't say, ``TooLargeError`` for more than an API server takes.
    """
    try:
        data = msgspec.json.encode(body)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        what = type(error).__name__
        raise UsageError("INVALID_REQUEST", f"{location}: the object can't be written as JSON ({what})") from None
    if len(data) > _MOST_BYTES:
        message = f"{location}: the request has {len(data):,} bytes, and an API server takes {_MOST_BYTES:,}"
        raise TooLargeError("CLUSTER_TOO_LARGE", message, location=location)
    return data
