"""``krate-memory://<commit>/record/<id>`` and ``krate-memory://<commit>/doc/<path>``.

The commit in a URI makes what it names immutable, so clients may keep it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from krate_gitops.errors import UsageError
from krate_gitops.git.names import find_fault
from krate_gitops.server.mcp.boundary import SCHEME, check_organization, is_pin, pin_violation
from krate_gitops.server.mcp.pin import Pin

RECORD_TEMPLATE = f"{SCHEME}{{commit}}/record/{{id}}"
DOCUMENT_TEMPLATE = f"{SCHEME}{{commit}}/doc/{{+path}}"
_LONGEST = 4096
_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def record_uri(commit: str, identifier: str) -> str:
    """The URI of a record."""
    return f"{SCHEME}{commit}/record/{quote(identifier, safe='')}"


def document_uri(commit: str, path: str) -> str:
    """The URI of a document; slashes stay."""
    return f"{SCHEME}{commit}/doc/{quote(path, safe='/')}"


def parse_uri(uri: str, pin: Pin) -> str:
    """The id or path that a URI names.

    Raises ``UsageError(INVALID_REQUEST)`` for what is no such URI or no honest path; ``DeniedError``:
    CROSS_ORG_REF_DENIED, MEMORY_PIN_VIOLATION.
    """
    check_organization(uri, pin.organization)
    commit, slash, rest = uri.removeprefix(SCHEME).partition("/")
    form, _, name = rest.partition("/")
    if not uri.startswith(SCHEME) or len(uri) > _LONGEST or not slash or form not in ("record", "doc") or not name:
        raise _invalid(f"write {SCHEME}COMMIT/record/ID or {SCHEME}COMMIT/doc/PATH")
    if not is_pin(commit, pin):
        raise pin_violation()
    return _identifier(name) if form == "record" else _path(name)


def _path(name: str) -> str:
    path = _decoded(name)
    if any(find_fault(part.encode()) for part in path.split("/")):
        raise _invalid("the path may not hold empty, relative or hidden parts")
    return path


def _identifier(name: str) -> str:
    identifier = _decoded(name)
    if not identifier.isprintable():
        raise _invalid("the id may not hold control characters")
    return identifier


def _decoded(name: str) -> str:
    if _BROKEN_ESCAPE.search(name) or "?" in name or "#" in name:
        raise _invalid("percent-encode what is no letter or digit")
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError:
        raise _invalid("percent-encode UTF-8") from None


def _invalid(hint: str) -> UsageError:
    return UsageError("INVALID_REQUEST", "that is no URI of a memory resource", hint=hint)
