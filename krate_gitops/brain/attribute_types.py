"""What the declared type of an attribute accepts.

``object`` is the type of everything structured or mixed, so it accepts any value; it is what a brain declares for an
attribute that exists but is not held to a form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from krate_gitops.brain.identifiers import is_external_id, is_id
from krate_gitops.brain.model import AttributeType
from krate_gitops.brain.timestamps import is_date, normalise_timestamp
from krate_gitops.brain.values import number_source

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#]+[^\s]*\Z", re.IGNORECASE)

EXPECTED = {
    "string": "one line of text",
    "text": "text",
    "integer": "an integer",
    "boolean": "true or false",
    "timestamp": "a timestamp with an offset, such as 2026-06-02T09:15:00Z",
    "date": "a date such as 2026-06-02",
    "id": "an id such as service:payments-ledger",
    "id-list": "a list of ids",
    "string-list": "a list of strings",
    "digest": "sha256: and 64 hexadecimal digits",
    "url": "a URL",
    "object": "anything",
}


def expected(attribute: AttributeType) -> str:
    """What the type asks for, in words that follow "must be"."""
    if attribute.type == "enum":
        return "one of " + ", ".join(attribute.values)
    return EXPECTED[attribute.type]


def fits(attribute: AttributeType, value: Any, *, relaxed_ids: bool = False) -> bool:
    """Whether a settled value has the declared type. An absent (null) value always has.

    ``kinds`` of an id are not judged here: that needs the other records.
    """
    return value is None or type_test(attribute, relaxed_ids=relaxed_ids)(value)


def type_test(attribute: AttributeType, *, relaxed_ids: bool = False) -> Callable[[Any], bool]:
    """The test behind ``fits`` for values that are there, for callers that ask again and again."""
    if attribute.type == "enum":
        terms = frozenset(attribute.values)
        return lambda value: (value if type(value) is str else term_of(value)) in terms
    if attribute.type == "id":
        return lambda value: _is_reference(value, relaxed_ids)
    if attribute.type == "id-list":
        return lambda value: isinstance(value, list) and all(_is_reference(item, relaxed_ids) for item in value)
    return _TESTS[attribute.type]


def term_of(value: Any) -> str | None:
    """A settled value as a word of an enum or vocabulary, as it stands in the file; None for lists and maps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) else number_source(value)


def _is_reference(value: Any, relaxed: bool) -> bool:
    return isinstance(value, str) and (is_id(value, relaxed=relaxed) or is_external_id(value))


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and "\n" not in value.rstrip("\n")


_TESTS: dict[str, Callable[[Any], bool]] = {
    "string": _is_line,
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": lambda value: isinstance(value, str) and normalise_timestamp(value) is not None,
    "date": lambda value: isinstance(value, str) and is_date(value),
    "string-list": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "digest": lambda value: isinstance(value, str) and _DIGEST.match(value) is not None,
    "url": lambda value: isinstance(value, str) and _URL.match(value) is not None,
    "object": lambda value: True,
}
