"""Which events of a journal are kept: none, a chosen few, or all after redaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from krate_gitops.brain.rules.run_memory import MAX_CURATED_EVENTS
from krate_gitops.digest import sha256_digest
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.entries import Entry, bare, describe, is_failure, payload
from krate_gitops.updates.imports.events import UNKNOWN, EventType, Meaning, timestamp
from krate_gitops.updates.imports.limits import Limits
from krate_gitops.updates.imports.model import JournalScope
from krate_gitops.updates.imports.scrub import Scrub
from krate_gitops.updates.imports.stream import Value
from krate_gitops.updates.imports.walk import over

_PAYLOAD_TEXT = 1_000
_LONGEST_TYPE = 400


class Occurrence(NamedTuple):
    """Where an event was found: in a file of its own, of which the digest is known, or as a value of a stream."""

    path: str
    digest: str | None
    value: Value | None

    @property
    def place(self) -> str:
        """For a note."""
        return self.path if self.value is None else f"{self.path}, value {self.value.number}"

    @property
    def source_digest(self) -> str:
        """Digest of the event's text in the source."""
        return self.digest or sha256_digest(self.value.source if self.value else b"")


class Keeper:
    """Keeps events, cleaned, as they are offered.

    Of a curated journal at most as many of each class as the whole may have: which classes there are isn't known before
    the end.
    """

    def __init__(self, scope: JournalScope, chosen: Iterable[int], scrub: Scrub, limits: Limits) -> None:
        self._scope = scope
        self._chosen = frozenset(chosen)
        self._scrub = scrub
        self._limits = limits
        self._all: list[Entry] = []
        self._classes: dict[str, list[Entry]] = {name: [] for name in _CLASSES}

    def may_keep(self, meaning: Meaning, sequence: int) -> bool:
        """Whether there is a point in offering an event. Most events of a long journal are of no interest."""
        if self._scope is JournalScope.CURATED:
            return meaning is not Meaning.OTHER or sequence in self._chosen
        return self._scope is JournalScope.FULL_REDACTED

    def offer(
        self,
        event: dict[str, Any],
        type: EventType,
        *,
        sequence: int,
        is_repeated: bool,
        time: Any,
        known: tuple[str | None, str | None],
        occurrence: Occurrence,
    ) -> None:
        """Keeps the event if its scope wants it. ``known`` are kind and task of the effect it is about.

        Raises ``KrateError(MEMORY_LIMIT_EXCEEDED)`` when all are wanted and there are too many.
        """
        if self._scope is JournalScope.CURATED:
            name = self._class_of(event, type, sequence, known)
            if name is None or len(self._classes[name]) >= MAX_CURATED_EVENTS:
                return
            into, excerpt = self._classes[name], type.meaning is not Meaning.OTHER
        else:
            if len(self._all) >= self._limits.kept_events:
                raise over(f"the journal has more than {self._limits.kept_events:,} events, too many to keep each")
            into, excerpt = self._all, True
        account = Account()
        type = self._named(event, type, account)
        kind, task = known
        summary, effect = (
            describe(event, type, self._scrub, account, kind=kind, task=task) if excerpt else (bare(type), None)
        )
        whole = None
        if self._scope is JournalScope.FULL_REDACTED:
            whole = payload(event, self._scrub, account, most=_PAYLOAD_TEXT)
        into.append(
            Entry(
                sequence=sequence,
                position=len(into),
                is_repeated=is_repeated,
                type=type,
                time=timestamp(time),
                summary=summary,
                effect=effect,
                payload=whole,
                source_path=occurrence.path,
                source_digest=occurrence.source_digest,
                account=account,
            )
        )

    def _named(self, event: dict[str, Any], type: EventType, account: Account) -> EventType:
        """The type, without a name that only looks like one: in lower case a secret isn't known any more."""
        raw = event.get("eventType")
        raw = event.get("type") if raw is None else raw
        if not isinstance(raw, str) or self._scrub.text(raw[:_LONGEST_TYPE], account) == raw[:_LONGEST_TYPE]:
            return type
        return msgspec.structs.replace(type, name=UNKNOWN)

    def _class_of(
        self, event: dict[str, Any], type: EventType, sequence: int, known: tuple[str | None, str | None]
    ) -> str | None:
        if sequence in self._chosen:
            return "chosen"
        meaning = type.meaning
        if meaning is Meaning.OTHER or meaning is Meaning.REQUESTED:
            if meaning is Meaning.REQUESTED and known[0] == "breakpoint":
                return "breakpoint"
            return None
        if meaning is Meaning.START or meaning is Meaning.END:
            return "bounds"
        if is_failure(event, type):
            return "failed"
        return "breakpoint" if meaning is Meaning.BREAKPOINT or known[0] == "breakpoint" else "done"

    def entries(self) -> list[Entry]:
        """What is kept, in the order of the numbers; of a curated journal the most telling classes first come in."""
        kept = list(self._all)
        for name in _CLASSES:
            kept += self._classes[name][: MAX_CURATED_EVENTS - len(kept)]
        return sorted(kept, key=lambda entry: (entry.sequence, entry.is_repeated, entry.source_path, entry.position))


_CLASSES = ("bounds", "chosen", "failed", "breakpoint", "done")
"""In the order in which they come in while there is room."""
