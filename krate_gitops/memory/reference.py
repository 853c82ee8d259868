"""References to snapshots, and the boundary of an organisation.

A name is looked up in the caller's own organisation only. What names another one is refused before anything is looked
up, whether it exists or not, and the refusal repeats nothing of it.
"""

from __future__ import annotations

import re

from krate_gitops.errors import DeniedError, UnavailableError

_NAME = re.compile(r"ams-[0-9a-f]{12}")
_QUALIFIED = re.compile(r"(?:krate-org-)?(?P<org>[^/:]+)[/:](?P<name>ams-[0-9a-f]{12})")


def snapshot_reference(text: str, organization: str) -> str | None:
    """The snapshot name that a text means; ``None`` for a text of another form, a file name perhaps.

    Raises ``DeniedError(CROSS_ORG_REF_DENIED)`` for a snapshot of another organisation.
    """
    if _NAME.fullmatch(text):
        return text
    qualified = _QUALIFIED.fullmatch(text)
    if qualified is None:
        return None
    check_organization(qualified["org"], organization, "AgentMemorySnapshot")
    return qualified["name"]


def check_organization(named: str, own: str, kind: str) -> None:
    """Raises ``DeniedError(CROSS_ORG_REF_DENIED)`` for a resource of another organisation, naming its kind alone."""
    if named != own:
        raise DeniedError(
            "CROSS_ORG_REF_DENIED",
            f"the referenced {kind} is outside this organization",
            hint="use an own object, or have the sharing admitted by both sides",
        )


def no_such_snapshot() -> UnavailableError:
    return UnavailableError(
        "NOT_FOUND", "there is no such snapshot here", hint="`krate-gitops snapshot list` shows those there are"
    )
