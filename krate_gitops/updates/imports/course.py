"""The course of a run, told by its events one after the other in memory that doesn't grow with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.updates.imports.events import (
    Meaning,
    details,
    effect_of,
    event_type,
    name_in,
    number,
    outcome,
    result_of,
    timestamp,
)
from krate_gitops.updates.imports.keep import Keeper, Occurrence
from krate_gitops.updates.imports.limits import Limits
from krate_gitops.updates.imports.notes import Notes
from krate_gitops.updates.imports.sequences import Sequences
from krate_gitops.updates.imports.stream import Value

_MOST_OPEN = 10_000
_MOST_KINDS = 50
_LEADING_DIGITS = re.compile(r"[0-9]{1,15}")


class Task(msgspec.Struct):
    """A task as its events tell it; times are as they stand in the source."""

    requested: int = 0
    completed: int = 0
    failed: int = 0
    kind: str | None = None
    last_time: Any = None

    @property
    def open(self) -> int:
        """How many of its effects never came back."""
        return max(0, self.requested - self.completed - self.failed)


class Course:
    """What all events together say. Nothing of it is cleaned yet but what the keeper kept."""

    def __init__(self, keeper: Keeper, limits: Limits, notes: Notes) -> None:
        self._keeper = keeper
        self._limits = limits
        self._notes = notes
        self._sequences = Sequences()
        self._open: dict[str, tuple[str | None, str | None]] = {}
        self._left_out = 0
        self._last_known: Any = None
        self.count = 0
        self.untimed = 0
        self.repeated = 0
        self.first_time: Any = None
        self.start_time: Any = None
        self.end_time: Any = None
        self.end_outcome: str | None = None
        self.has_end = False
        self.process: str | None = None
        self.successes = 0
        self.failures = 0
        self.kinds: set[str] = set()
        self.tasks: dict[str, Task] = {}

    @property
    def last_time(self) -> Any:
        """The time of the last event that has one."""
        return self._last_known

    @property
    def highest(self) -> int:
        """The highest number of an event."""
        return self._sequences.highest

    def observe(
        self,
        event: Any,
        path: str,
        *,
        position: int,
        file_name: str | None = None,
        digest: str | None = None,
        value: Value | None = None,
    ) -> None:
        """Takes the next event of a file.

        ``position`` counts from 1 in its file. ``file_name`` and ``digest`` are those of a file which holds one event,
        ``value`` is where it stands in a stream.
        """
        if type(event) is not dict:
            self._notes.add(Occurrence(path, digest, value).place, "is no event")
            return
        raw_type = event.get("eventType")
        kind = event_type(event.get("type") if raw_type is None else raw_type)
        time = event.get("timestamp")
        if time is None:
            time = event.get("recordedAt")
        self.count += 1
        sequence = number(event.get("sequence"))
        if sequence is None:
            digits = _LEADING_DIGITS.match(file_name) if file_name else None
            sequence = int(digits.group()) if digits else position
        is_new = self._sequences.add(sequence)
        if not is_new:
            self.repeated += 1
        if time is None:
            self.untimed += 1
        else:
            self._last_known = time
            if self.first_time is None:
                self.first_time = time
        known: tuple[str | None, str | None] = (None, None)
        if kind.meaning:
            known = self._learn(event, kind.meaning, kind.outcome, time)
        if self._keeper.may_keep(kind.meaning, sequence):
            self._keeper.offer(
                event,
                kind,
                sequence=sequence,
                is_repeated=not is_new,
                time=self._last_known,
                known=known,
                occurrence=Occurrence(path, digest, value),
            )

    def _learn(
        self, event: dict[str, Any], meaning: Meaning, ended_as: str | None, time: Any
    ) -> tuple[str | None, str | None]:
        """What an event says about the run; kind and task of the effect it is about."""
        data = details(event)
        if meaning is Meaning.START:
            self.start_time = self.start_time or time
            self.process = self.process or name_in(data, "process", "processId")
        elif meaning is Meaning.END:
            self.has_end = True
            self.end_time = time or self.end_time
            self.end_outcome = outcome(data.get("status", data.get("outcome"))) or ended_as or self.end_outcome
        elif meaning is Meaning.REQUESTED:
            return self._requested(data, time)
        elif meaning in (Meaning.RESOLVED, Meaning.TASK_DONE) or "effectId" in data:
            return self._resolved(data, meaning, ended_as, time, effect_of(event))
        return None, None

    def _requested(self, data: dict[str, Any], time: Any) -> tuple[str | None, str | None]:
        kind, task = name_in(data, "kind"), name_in(data, "taskId")
        effect = name_in(data, "effectId")
        if effect is not None and len(effect) <= 200:
            if len(self._open) < _MOST_OPEN:
                self._open[effect] = (kind, task)
            else:
                self._left_out += 1
        self._add_kind(kind)
        if (known := self._task(task)) is not None:
            known.requested += 1
            known.kind = known.kind or kind
            known.last_time = time or known.last_time
        return kind, task

    def _resolved(
        self, data: dict[str, Any], meaning: Meaning, ended_as: str | None, time: Any, effect: dict[str, Any] | None
    ) -> tuple[str | None, str | None]:
        number = name_in(data, "effectId")
        kind, task = self._open.pop(number, (None, None)) if number is not None else (None, None)
        kind = (name_in(effect, "kind") if effect else None) or name_in(data, "kind") or kind
        task = name_in(data, "taskId") or task
        how = result_of(data) or ended_as
        of_effect = how if effect is None else result_of(effect)
        if meaning is not Meaning.TASK_DONE:
            how = how or of_effect
        if meaning is not Meaning.TASK_DONE or effect is not None:
            self.failures += of_effect == "failed"
            self.successes += of_effect != "failed"
            self._add_kind(kind)
        if (known := self._task(task)) is not None:
            known.failed += how == "failed"
            known.completed += how != "failed"
            known.kind = known.kind or kind
            known.last_time = time or known.last_time
        return kind, task

    def _add_kind(self, kind: str | None) -> None:
        if kind is not None and len(kind) <= 80 and len(self.kinds) < _MOST_KINDS:
            self.kinds.add(kind)

    def _task(self, name: str | None) -> Task | None:
        if name is None or len(name) > 400:
            return None
        found = self.tasks.get(name)
        if found is None and len(self.tasks) < self._limits.tasks:
            found = self.tasks[name] = Task()
        return found

    def times(self) -> Iterator[str]:
        """The times of start and end that can be read, in that order; start first, and nothing where none can."""
        for raw in (self.start_time, self.first_time, self.end_time, self.last_time):
            if (read := timestamp(raw)) is not None:
                yield read
