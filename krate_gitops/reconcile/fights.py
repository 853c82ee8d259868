"""Who changes an object back as often as we correct it is told of once, and answered more and more slowly."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import msgspec

from krate_gitops.resources.object_id import ObjectId

MOST_CORRECTIONS = 5
"""So many corrections of one object within a minute are still no fight."""
_WINDOW = timedelta(minutes=1)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)


class _Record(msgspec.Struct):
    times: deque[datetime] = msgspec.field(default_factory=deque)
    pauses: int = 0
    until: datetime | None = None


class Fights:
    """Corrections of the objects of one source, as they happen."""

    def __init__(self) -> None:
        self._records: dict[ObjectId, _Record] = {}

    def may_correct(self, one: ObjectId, *, now: datetime) -> bool:
        """Whether a correction is due now, or still has to wait."""
        record = self._records.get(one)
        return record is None or record.until is None or now >= record.until

    def corrected(self, one: ObjectId, *, now: datetime) -> bool:
        """Counts a correction. True when it is the one that makes a fight of it, so that it is told once."""
        record = self._records.setdefault(one, _Record())
        if record.until is not None and now - record.until > _LONGEST_PAUSE:
            record = self._records[one] = _Record()
        record.times.append(now)
        while record.times and now - record.times[0] > _WINDOW:
            record.times.popleft()
        if record.pauses == 0 and len(record.times) <= MOST_CORRECTIONS:
            return False
        pause = min(_FIRST_PAUSE * 2 ** min(record.pauses, 10), _LONGEST_PAUSE)
        record.pauses += 1
        record.until = now + pause
        return record.pauses == 1

    def waiting(self, *, now: datetime) -> set[ObjectId]:
        """Objects that aren't corrected yet."""
        return {one for one in self._records if not self.may_correct(one, now=now)}
