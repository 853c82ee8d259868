"""What a caller may name: nothing of another organisation, and no commit but the pinned one.

Both are decided from the text alone. Nothing is looked up, so neither the answer nor its time tells whether what was
named exists.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from krate_gitops.encoding import strings_in
from krate_gitops.errors import DeniedError
from krate_gitops.server.mcp.pin import Pin

SCHEME = "krate-memory://"

_KINDS = {"ams": "snapshot", "amq": "query", "amu": "update", "armi": "import", "adr": "run", "ada": "attempt"}
_NAMED = rf"(?:{'|'.join(_KINDS)})-[0-9a-f]{{12}}(?:-[0-9]+)?"
_ORG = r"(?P<org>[a-z0-9][a-z0-9._-]*)"
_REST = r"(?:/(?P<rest>\S*))?"
_REFERENCES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"krate-org-{_ORG}{_REST}",
        rf"/?(?:api/)?(?:watch/)?orgs/{_ORG}{_REST}",
        rf"(?:krate-org-)?{_ORG}/(?P<rest>{_NAMED}(?:/\S*)?)",
    )
)
_SHORTEST_COMMIT = 7


def check_organization(value: Any, organization: str) -> None:
    """Looks at every text in a value. Raises ``ForeignReferenceError``, which says no name."""
    for text in strings_in(value):
        kind = _foreign(text, organization)
        if kind is not None:
            raise ForeignReferenceError(kind)


class ForeignReferenceError(DeniedError):
    """The one answer to a reference of a kind into another organisation, whether or not it leads anywhere."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            "CROSS_ORG_REF_DENIED",
            f"a {kind} of another organisation can't be reached from here",
            hint="name only what belongs to this organisation",
        )
        self.kind = kind


def within(text: str, organization: str) -> str:
    """A reference without the prefix that names the server's own organisation."""
    for prefix in (f"krate-org-{organization}/", f"{organization}/"):
        name = text.removeprefix(prefix)
        if name != text and re.fullmatch(_NAMED, name):
            return name
    return text


def is_pin(value: Any, pin: Pin) -> bool:
    """Whether a value names what is pinned: its commit, in full or from seven digits on, or its snapshot."""
    if not isinstance(value, str):
        return False
    text = within(value.strip(), pin.organization).lower()
    return text == pin.snapshot or (len(text) >= _SHORTEST_COMMIT and pin.commit.startswith(text))


def pin_violation() -> DeniedError:
    """The answer to whoever asks for another commit."""
    return DeniedError(
        "MEMORY_PIN_VIOLATION",
        "only the pinned commit can be read here",
        hint="leave ref, commit and time out; every answer names the commit it is from",
    )


def _foreign(text: str, organization: str) -> str | None:
    """The kind of thing of another organisation that a text is a reference to; None for any other text."""
    for form in {text, unquote(text)}:
        plain = form.strip().removeprefix(SCHEME)
        for pattern in _REFERENCES:
            match = pattern.fullmatch(plain)
            if match and match["org"].lower() != organization.lower():
                return _kind(match["rest"])
    return None


def _kind(rest: str | None) -> str:
    if not rest:
        return "namespace"
    return (
        _KINDS.get(rest.partition("-")[0].lower(), "resource") if re.match(_NAMED, rest, re.IGNORECASE) else "resource"
    )
