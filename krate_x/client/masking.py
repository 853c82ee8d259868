"""Keeps values out of what the API server says: it echoes what was sent, and so may a webhook.

The values of a Secret are known, since they were sent: wherever one turns up it is masked. Whatever else looks like a
credential is found by shape.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.printable import printable_block

MASK = "***"
_LONGEST = 2_000
"""Characters kept of one message. A server may echo a whole object."""
_SHORTEST = 4
"""Characters of a value that is looked for anywhere; shorter ones are masked only where a value is quoted."""
_MOST_WORK = 20_000_000
"""Characters that are searched for values of a secret, all searches of one text together."""
_ECHOED = re.compile(r"((?:Invalid|Unsupported|Duplicate) value: )(\"(?:[^\"\\]|\\.)*\"|[^\s\"]+?(?=: |$))")
_PARSED = re.compile(r"(\bValue:)[^}\s]+")
"""A value as the server's typed reader prints it."""
_MANIFEST = re.compile(r"(\\*\"(?:data|stringData)\\*\"\s*:\s*)\{[^{}]*\}?")
"""Data of an object echoed as JSON, or as JSON in a string."""
_PRINTED = re.compile(r"\b((?:data|stringData):\s*map)\[[^\[\]]*\]?")
"""The same as Go prints it."""
_LAST_APPLIED = re.compile(r"(last-applied-configuration).+", re.DOTALL)
"""A whole object follows. What comes after it is masked too, since its end can't be told safely."""


def masked(text: str, *, sent: Mapping[str, Any] | None = None) -> str:
    """The text for people and logs: bounded, without control characters, values of secrets replaced by ``***``.

    ``sent`` is the object of the request, if there was one.
    """
    return masked_all([text], sent=sent)[0]


def masked_all(texts: Sequence[str], *, sent: Mapping[str, Any] | None = None) -> list[str]:
    """The same for all texts of one answer."""
    values = _secret_values(sent)
    return [_masked(text[: 4 * _LONGEST], values, is_secret=_is_secret(sent)) for text in texts]


def _masked(text: str, values: Sequence[str], *, is_secret: bool) -> str:
    if len(values) * len(text) > _MOST_WORK:
        return f"{MASK} (the text may hold one of {len(values):,} values)"
    for value in values:
        text = text.replace(value, MASK)
    if is_secret:
        text = _PARSED.sub(rf"\1{MASK}", _ECHOED.sub(rf"\1{MASK}", text))
    for pattern in (_MANIFEST, _PRINTED, _LAST_APPLIED):
        text = pattern.sub(rf"\1{MASK}", text)
    for hit in reversed(find_secrets(text, SecretScan())):
        text = text[: hit.start] + MASK + text[hit.end :]
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " [cut]"
    return printable_block(text)


def _is_secret(sent: Mapping[str, Any] | None) -> bool:
    return sent is not None and sent.get("kind") == "Secret"


def _secret_values(sent: Mapping[str, Any] | None) -> list[str]:
    """Values of a Secret that was sent, in every spelling a message could have, the longest first."""
    if sent is None or not _is_secret(sent):
        return []
    found = {form for value in _values(sent) for form in _forms(value) if len(form) >= _SHORTEST}
    return sorted(found, key=len, reverse=True)


def _values(sent: Mapping[str, Any]) -> Iterator[str]:
    for field in ("data", "stringData"):
        members = sent.get(field)
        if isinstance(members, Mapping):
            yield from (value for value in members.values() if isinstance(value, str))


def _forms(value: str) -> Iterator[str]:
    """How a value may be spelled: as it is, encoded as data, decoded from data, each also quoted once or twice."""
    plain = [value, base64.b64encode(value.encode(errors="surrogatepass")).decode()]
    with suppress(binascii.Error, ValueError):
        plain.append(base64.b64decode(value, validate=True).decode())
    for one in plain:
        yield one
        for escape in (_json, _json_ascii, _json_go, _breaks):
            yield escape(one)
            yield escape(escape(one))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _json_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _breaks(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _json_go(text: str) -> str:
    """Go also escapes what could end a script in a page."""
    return _json(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
