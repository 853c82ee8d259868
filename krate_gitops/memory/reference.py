"""References to snapshots, and the boundary of an organisation.

A name is looked up in the caller's own organisation only. What names another one is refused before anything is looked
up, whether it exists or not, and the refusal repeats nothing of it.
"""

from __future__ import annotations

import re

from krate_gitops.errors import DeniedError, UnavailableError
from krate_gitops.organization import NAMESPACE_PREFIX

_NAME = re.compile(r"ams-[0-9a-f]{12}")
_QUALIFIED = re.compile(rf"(?:{NAMESPACE_PREFIX})?(?P<org>[^/:]+)[/:](?P<name>ams-[0-9a-f]{{12}})")
_LINK = re.compile(r"(?:[^/:]+://[^/]+)?/?(?:api/)?orgs/(?P<org>[^/]+)/(?:[^/]+/)*(?P<name>ams-[0-9a-f]{12})")


class ForeignReferenceError(DeniedError):
    """The one answer to a reference of a kind into another organisation, whether or not it leads anywhere."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            "CROSS_ORG_REF_DENIED",
            f"the referenced {kind} is outside this organization",
            hint="use an own object, or have the sharing admitted by both sides",
        )
        self.kind = kind


def snapshot_reference(text: str, organization: str) -> str | None:
    """The snapshot name that a text means; ``None`` for a text of another form, a file name perhaps.

    Raises ``ForeignReferenceError`` for a snapshot of another organisation.
    """
    if _NAME.fullmatch(text):
        return text
    qualified = _QUALIFIED.fullmatch(text) or _LINK.fullmatch(text)
    if qualified is None:
        return None
    check_organization(qualified["org"], organization, "AgentMemorySnapshot")
    return qualified["name"]


def check_organization(named: str, own: str, kind: str) -> None:
    """Raises ``ForeignReferenceError`` for a resource of another organisation, naming its kind alone."""
    if named != own:
        raise ForeignReferenceError(kind)


def no_such_snapshot() -> UnavailableError:
    return UnavailableError(
        "NOT_FOUND", "there is no such snapshot here", hint="`krate-gitops snapshot list` shows those there are"
    )
