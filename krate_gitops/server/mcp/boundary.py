"""What a caller may name: nothing of another organisation, and no commit but the pinned one.

Both are decided from the text alone. Nothing is looked up, so neither the answer nor its time tells whether what was
named exists.
"""

from __future__ import annotations

import itertools
import re
from typing import Any
from urllib.parse import unquote

from krate_gitops.encoding import strings_in
from krate_gitops.errors import DeniedError
from krate_gitops.memory.reference import ForeignReferenceError, snapshot_reference
from krate_gitops.organization import NAMESPACE_PREFIX
from krate_gitops.server.mcp.pin import Pin

SCHEME = "krate-memory://"

_KINDS = {
    "ams": "AgentMemorySnapshot",
    "amq": "AgentMemoryQuery",
    "amu": "AgentMemoryUpdate",
    "armi": "AgentRunMemoryImport",
    "adr": "AgentDispatchRun",
    "ada": "AgentDispatchAttempt",
}
_NAMED = rf"(?:{'|'.join(_KINDS)})-[0-9a-f]{{12}}(?:-[0-9]+)?"
_ORG = r"(?P<org>[a-z0-9][a-z0-9._-]*)"
_REST = r"(?:/(?P<rest>\S*))?"
_REFERENCES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{NAMESPACE_PREFIX}{_ORG}{_REST}",
        rf"/(?:api/)?(?:watch/)?orgs/{_ORG}{_REST}",
        rf"api/(?:watch/)?orgs/{_ORG}{_REST}",
        # Without a slash at its start it may be a path of the brain: only what the API serves is foreign then.
        r"(?:watch/)?orgs/(?P<org>[a-z0-9][a-z0-9-]*)(?:/(?P<rest>(?:agents|resources)(?:/\S*)?))?",
        rf"(?:{NAMESPACE_PREFIX})?{_ORG}[/:](?P<rest>{_NAMED}(?:/\S*)?)",
    )
)
_SHORTEST_COMMIT = 7


def check_organization(value: Any, organization: str) -> None:
    """Looks at every text in a value. Raises ``ForeignReferenceError``, which says no name."""
    for text in strings_in(value):
        kind = _foreign(text, organization)
        if kind is not None:
            raise ForeignReferenceError(kind)


def is_pin(value: Any, pin: Pin) -> bool:
    """Whether a value names what is pinned: its commit, in full or from seven digits on, or its snapshot."""
    if not isinstance(value, str):
        return False
    text = (snapshot_reference(value.strip(), pin.organization) or value.strip()).lower()
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
        plain = form.strip()
        # After the scheme stands what the server would call a commit; an organisation there is foreign in any form.
        places = [rest, f"/{rest}"] if (rest := plain.removeprefix(SCHEME)) != plain else [plain]
        for pattern, place in itertools.product(_REFERENCES, places):
            match = pattern.fullmatch(place)
            if match and match["org"] != organization:
                return _kind(match["rest"])
    return None


def _kind(rest: str | None) -> str:
    if not rest:
        return "namespace"
    return (
        _KINDS.get(rest.partition("-")[0].lower(), "resource") if re.match(_NAMED, rest, re.IGNORECASE) else "resource"
    )
