"""What one review collects while its steps run: reasons, what it looked at, and what it asked."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.resources.permissions.access import AccessQuestion
from krate_gitops.resources.permissions.natives import NativeObject
from krate_gitops.resources.permissions.reasons import REASONS, Owner, Reason
from krate_gitops.resources.permissions.request import ReviewRequest
from krate_gitops.resources.permissions.state import Held, ReviewState
from krate_gitops.resources.permissions.trust import is_untrusted

MOST_SHOWN = 100
"""Characters of a name in a message."""


class Denial(msgspec.Struct, frozen=True, order=True):
    """A reference into another organization. Of the other side only the kind is named."""

    kind: str
    field: str


class Drifted(msgspec.Struct, frozen=True, order=True):
    """A native object that is not as it was written, by the object it belongs to."""

    kind: str
    name: str


class Approval(msgspec.Struct, frozen=True, order=True, rename="camel"):
    """Something that a person must approve. ``class_`` is that of the action; ``rule`` says what asks for it."""

    class_: str = msgspec.field(name="class")
    rule: str
    owner: Owner


class Ledger:
    """Collects for one request over one state. Steps add to it and read what earlier ones found."""

    def __init__(self, request: ReviewRequest, state: ReviewState) -> None:
        self.request, self.state = request, state
        self.untrusted = is_untrusted(request)
        self.repository = state.own_name(request.repository)
        """The repository by its bare name; empty for none, and for one of another organization."""
        self.generations: dict[str, int] = {}
        self.targets: dict[str, str] = {}
        self.questions: set[AccessQuestion] = set()
        self.denials: set[Denial] = set()
        self.drifted: set[Drifted] = set()
        self.approvals: set[Approval] = set()
        self._reasons: set[Reason] = set()

    @property
    def reasons(self) -> frozenset[Reason]:
        """All reasons so far; the same one said twice counts once."""
        return frozenset(self._reasons)

    @property
    def is_blocked(self) -> bool:
        """Whether something blocks."""
        return any(reason.blocking for reason in self._reasons)

    def say(self, code: str, owner: Owner, message: str, field: str = "", *, blocking: bool | None = None) -> None:
        """Adds a reason. ``blocking`` False makes a warning of what otherwise blocks."""
        kind = REASONS[code]
        blocks = kind.blocking if blocking is None else blocking
        severity = kind.severity if blocks == kind.blocking else "error" if blocks else "warning"
        self._reasons.add(
            Reason(code=code, severity=severity, blocking=blocks, field=field, owner=owner, message=message)
        )

    def approve(self, class_: str, rule: str, owner: Owner, message: str) -> None:
        """Adds something that a person must approve."""
        self.approvals.add(Approval(class_, rule, owner))
        self.say("ApprovalRequired", owner, message)

    def find(self, kind: str, name: str, organization: str = "") -> Held[Any] | None:
        """An object of the state, noted as one that the review hangs on."""
        held = self.state.find(kind, name, organization)
        if held is not None:
            self.use(held)
        return held

    def use(self, held: Held[Any]) -> None:
        """Notes an object with its generation."""
        own = held.organization == self.state.organization
        self.generations[f"{held.kind}/{held.name}" if own else f"{held.organization}/{held.kind}/{held.name}"] = (
            held.generation
        )

    def target(self, kind: str, name: str) -> NativeObject | None:
        """A native object, noted with its metadata version; an absent one as empty."""
        found = self.state.natives.find(kind, name)
        if self.state.natives.known:
            self.targets[f"{kind}/{name}"] = "" if found is None else found.version
        return found

    def ask(self, question: AccessQuestion) -> bool | None:
        """The answer to a question for the native access review, which is noted."""
        self.questions.add(question)
        return self.state.answer(question)


def shown(name: str) -> str:
    """A name for a message: not longer than a name is."""
    return name if len(name) <= MOST_SHOWN else f"{name[:MOST_SHOWN]}…"
