"""One call from its arguments to its answer: budget, arguments, the tool, the room, the audit record.

Everything happens in the index's thread, one call after the other, so that budgets and records keep the order in which
answers were made.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from krate_gitops.encoding import plain
from krate_gitops.errors import DeniedError, UnavailableError
from krate_gitops.index.shard import DamagedError
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.reference import ForeignReferenceError
from krate_gitops.printable import printable
from krate_gitops.server.mcp.arguments import parsed
from krate_gitops.server.mcp.audit import DONE, Audit, ToolCall, digest_of
from krate_gitops.server.mcp.budget import LEAST_ROOM, Ledger, Limits, Room
from krate_gitops.server.mcp.failures import describe, text_of
from krate_gitops.server.mcp.fitting import fitted, lines_within
from krate_gitops.server.mcp.index import PinnedIndex
from krate_gitops.server.mcp.pin import Pin
from krate_gitops.server.mcp.tools.tool import NOTICE, Answer, Reading, Tool, one_line

_log = logging.getLogger(__name__)

UNKNOWN = "memory.unknown"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in both of its forms, or the failure in its place; ``code`` is ``ok`` or the failure's."""

    code: str
    structured: Mapping[str, Any]
    text: str
    counts: Mapping[str, int] = {}
    denied_scopes: tuple[str, ...] = ()
    is_allowed: bool = True
    denied_reference: str | None = None

    @property
    def is_error(self) -> bool:
        return self.code != DONE


class Call(NamedTuple):
    """What is to be done, for whom. ``run`` makes the outcome; ``tool`` and ``arguments`` are for the audit.

    ``is_metered``: whether it counts against the budget. What clients do by themselves does not.
    """

    tool: str
    arguments: Mapping[str, Any]
    caller: str
    run: Callable[[OpenIndex, Room], Outcome]
    is_metered: bool = True


class Gateway:
    """Answers calls to the tools of one pinned index."""

    def __init__(self, pin: Pin, index: PinnedIndex, tools: Sequence[Tool], *, limits: Limits, audit: Audit) -> None:
        self.pin = pin
        room = max(LEAST_ROOM, min(limits.call_bytes, pin.policy.max_context_bytes))
        self._limits = msgspec.structs.replace(limits, call_bytes=room)
        self._index = index
        self.tools = tuple(tools)
        # Called by either form of its name, whichever is on the wire: models mix them up.
        self._tools = {name: tool for tool in tools for name in (tool.name, tool.dotted)}
        self._ledgers: dict[str, Ledger] = {}
        self._audit = audit

    async def call(self, name: str, arguments: Mapping[str, Any], caller: str) -> Outcome:
        """The outcome of a call to a tool."""
        tool = self._tools.get(name)
        if tool is None:
            return await self.perform(Call(UNKNOWN, arguments, caller, _not_granted))

        def run(opened: OpenIndex, room: Room) -> Outcome:
            asked = parsed(tool.arguments, tool.aliases, arguments, self.pin)
            return answered(tool, tool.run(Reading(self.pin, opened, room), asked), room)

        return await self.perform(Call(tool.dotted, arguments, caller, run))

    async def perform(self, call: Call) -> Outcome:
        """The outcome of a call under its caller's budget, kept by the audit. What goes wrong is an outcome, too."""
        job = self._index.submit(lambda opened: self._perform(opened, call))
        try:
            return await asyncio.wrap_future(job)
        except Exception as error:  # the index could not be opened again
            return failed(error)

    def _perform(self, opened: OpenIndex, call: Call) -> Outcome:
        started = time.perf_counter()
        outcome, size = self._metered(opened, call)
        try:
            self._audit(self._kept(call, outcome, size, time.perf_counter() - started))
        except Exception as error:
            _log.error("no audit record of a call was kept: %s", printable(str(error)))
            return failed(UnavailableError("SERVICE_UNAVAILABLE", "no audit record of the call was kept"))
        return outcome

    def _metered(self, opened: OpenIndex, call: Call) -> tuple[Outcome, int]:
        """The outcome and its size: bytes of the longer of its forms."""
        ledger = (
            self._ledgers.setdefault(call.caller, Ledger(self._limits)) if call.is_metered else Ledger(self._limits)
        )
        try:
            outcome = call.run(opened, ledger.begin())
        except DamagedError:  # the index is repaired, and the call made again
            raise
        except Exception as error:
            outcome = failed(error)
        size = max(len(msgspec.json.encode(outcome.structured)), len(outcome.text.encode()))
        ledger.charge(size)
        return outcome, size

    def _kept(self, call: Call, outcome: Outcome, size: int, seconds: float) -> ToolCall:
        return ToolCall(
            tool=call.tool,
            caller=call.caller,
            organization=self.pin.organization,
            repository=self.pin.repository,
            commit=self.pin.commit,
            snapshot=self.pin.snapshot,
            outcome=outcome.code,
            is_allowed=outcome.is_allowed,
            denied_reference=outcome.denied_reference,
            argument_digest=digest_of({} if outcome.denied_reference else call.arguments),
            result_digest=digest_of(outcome.structured),
            counts=outcome.counts,
            denied_scopes=outcome.denied_scopes,
            bytes=size,
            duration_ms=round(seconds * 1000),
        )


def answered(tool: Tool, answer: Answer, room: Room) -> Outcome:
    """An answer in both forms, each within the room."""
    answer = fitted(answer, tool.items, room.bytes)
    notes = [f"warning: {warning}" for warning in answer.warnings]
    notes += [f"{count} more {noun} not shown" for noun, count in answer.omitted.items()]
    head = f"[{NOTICE} From {one_line(answer.repository)} at commit {answer.commit}.]"
    return Outcome(
        code=DONE,
        structured=_without_nulls(plain(answer)),
        text=lines_within([head, *tool.lines(answer), *notes], room.bytes),
        counts={tool.items: len(getattr(answer, tool.items))} if tool.items else {"items": 1},
        denied_scopes=tuple(sorted({denied.scope for denied in answer.denied})),
    )


def failed(error: Exception) -> Outcome:
    """The failure behind an exception as an outcome."""
    refusal = describe(error)
    return Outcome(
        code=refusal.code,
        structured=plain(refusal),
        text=text_of(refusal),
        is_allowed=not isinstance(error, DeniedError),
        denied_reference=error.kind if isinstance(error, ForeignReferenceError) else None,
    )


def _not_granted(opened: OpenIndex, room: Room) -> Outcome:
    raise DeniedError("POLICY_DENIED", "there is no such tool, or it is not granted", hint="list the tools")


def _without_nulls(value: Any) -> Any:
    """What is not there is left out, at any depth; every sequence is a list."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value
