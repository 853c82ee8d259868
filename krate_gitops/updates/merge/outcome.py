"""What a merge of one file comes to."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from krate_gitops.updates.merge.by_line import Clash
from krate_gitops.updates.merge.plain import cut, shown
from krate_gitops.updates.merge.values import Difference
from krate_gitops.updates.model import Conflict

OVERLAP = "ConflictWithCurrent"
RETIRED = "RetiredSince"
DELETED = "DeletedSince"
CHANGED = "ChangedSince"
CREATED = "CreatedSince"
SINCE = (OVERLAP, RETIRED, DELETED, CHANGED, CREATED)
"""What happened at the target since the proposer looked; each is a conflict with what is current."""

MAX_CONFLICTS = 50
"""Conflicts that are told of one file; more than that are as many as these."""


class FileMerge(msgspec.Struct, frozen=True):
    """``content`` is None where the file is absent in the result. Without ``conflicts`` the merge is clean; with some,
    the content has what stands at the target in their places.
    """

    content: bytes | None
    conflicts: tuple[Conflict, ...] = ()


class TextMerge(msgspec.Struct, frozen=True):
    """The same for text with LF line ends."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def of_values(path: str, clash: Difference, prefix: str = "", reason: str = OVERLAP) -> Conflict:
    """The conflict of a field or an edge; ``prefix`` names the record where a file has several."""
    return Conflict(
        path=path,
        reason=reason,
        place=cut(prefix + clash.place),
        observed=shown(clash.observed),
        current=shown(clash.current),
        proposed=shown(clash.proposed),
    )


def of_lines(path: str, clash: Clash, first: int, name: str) -> Conflict:
    """The conflict of lines; ``first`` is the number, from 1, that the first line of their text has in the file."""
    texts = [cut("\n".join(lines)) for lines in (clash.observed, clash.current, clash.proposed)]
    place = f"{name}:{line_range(clash.line + first, len(clash.current))}"
    return Conflict(path=path, reason=OVERLAP, place=place, observed=texts[0], current=texts[1], proposed=texts[2])


def line_range(first: int, count: int) -> str:
    """``12-18``, or ``12`` for one line and for the place before a line where there is none."""
    return f"{first}-{first + count - 1}" if count > 1 else str(first)


def of_whole(path: str, reason: str, sides: Iterable[str | None], place: str = "") -> Conflict:
    """The conflict of a whole file or record: its texts in base, ours and theirs, None for what is absent."""
    base, ours, theirs = (None if text is None else cut(text) for text in sides)
    return Conflict(path=path, reason=reason, place=cut(place), observed=base, current=theirs, proposed=ours)
