"""The life of a record as a table: from which status it may go to which."""

from __future__ import annotations

import enum
from collections.abc import Mapping

NEW = "new"
"""Where a record comes from that was not there before."""
DELETED = "deleted"
"""Where a record goes that is there no longer."""


class Step(enum.Enum):
    """What a change of status asks for."""

    NONE = "no change"
    YES = "allowed"
    NO = "forbidden"
    OWNER = "needs the approval of a memory owner"
    DIRECT = "only for kinds that are archived directly"


_NONE, _YES, _NO = Step.NONE, Step.YES, Step.NO

STEPS: Mapping[str, Mapping[str, Step]] = {
    source: dict(zip(("draft", "approved", "deprecated", "archived", DELETED), steps, strict=True))
    for source, steps in {
        # to:          draft  approved    deprecated archived     deleted
        NEW:          (_YES,  _YES,       _NO,       _NO,         _NONE),
        "draft":      (_NONE, _YES,       _NO,       _YES,        _YES),
        "approved":   (_NO,   _NONE,      _YES,      Step.DIRECT, _NO),
        "deprecated": (_NO,   Step.OWNER, _NONE,     _YES,        _NO),
        "archived":   (_YES,  _NO,        _NO,       _NONE,       _YES),
    }.items()
}  # fmt: skip


def is_allowed(source: str, target: str, *, archive_direct: bool, owner_approved: bool) -> bool:
    """Whether a record may go from one status to another.

    ``archive_direct`` is a property of its kind; ``owner_approved`` says that a memory owner approved the change.
    """
    step = STEPS[source][target]
    if step is Step.DIRECT:
        return archive_direct
    if step is Step.OWNER:
        return owner_approved
    return step is not _NO


def ways_on(source: str, *, archive_direct: bool) -> tuple[str, ...]:
    """Statuses that a record may go to without anybody's special approval."""
    return tuple(
        target
        for target, step in STEPS[source].items()
        if target != DELETED and (step is _YES or (step is Step.DIRECT and archive_direct))
    )
