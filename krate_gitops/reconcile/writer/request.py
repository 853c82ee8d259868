"""What somebody wants changed, and who they are."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.records.audit_record import Actor
from krate_gitops.resources.edit.emit import check_writable

MAX_CHANGES = 200
_MAX_MESSAGE = 8_000
_AUTHOR = re.compile(r"(?P<name>[^<>\x00-\x1f\x7f]{1,200}?) <(?P<address>[^<>\s\x00-\x1f\x7f]{1,200})>")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_OWN_TRAILER = re.compile(r"(?im)^\s*krate-[a-z-]+\s*:")


class Mode(enum.StrEnum):
    """How a change gets into the target branch."""

    PULL_REQUEST = "pull-request"
    DIRECT = "direct"


class _Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    pass


class Apply(_Change, frozen=True, kw_only=True, tag="apply"):
    """The object shall be exactly this one; it is created where there is none. ``path`` is for a new object's file."""

    object: dict[str, Any]
    path: str | None = None


class Assign(_Change, frozen=True, kw_only=True, tag="set"):
    """Fields of an object get values, and those to ``remove`` go; both by dotted path."""

    kind: str
    name: str
    fields: dict[str, Any] = {}
    remove: tuple[str, ...] = ()


class Delete(_Change, frozen=True, kw_only=True, tag="delete"):
    """The object shall be gone."""

    kind: str
    name: str


class Restore(_Change, frozen=True, kw_only=True, tag="restore"):
    """A file, or everything below a folder, shall be what it was at an earlier commit; relative to the source."""

    path: str
    commit: str


Change = Apply | Assign | Delete | Restore


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One write. ``author`` is ``Name <address>``; ``mode`` None takes the source's.

    ``expected_base`` is the full commit that the changes were made for; ``draft`` keeps objects that aren't ready.
    ``request_id`` is the caller's own: a repeat with it gets the first answer, wherever the branch stands by then.
    """

    target: SourceTarget
    actor: Actor
    author: str
    changes: tuple[Change, ...]
    message: str
    correlation_id: str
    mode: Mode | None = None
    expected_base: str | None = None
    draft: bool = False
    request_id: str | None = None


def check_request(request: WriteRequest) -> None:
    """Raises ``UsageError(INVALID_REQUEST)`` for a request that can't become a commit."""
    if not request.changes:
        raise _invalid("there is nothing to change", "name at least one change")
    if len(request.changes) > MAX_CHANGES:
        raise _invalid(f"at most {MAX_CHANGES} changes at once, got {len(request.changes)}", "make several commits")
    for change in request.changes:
        value = change.object if isinstance(change, Apply) else change.fields if isinstance(change, Assign) else None
        check_writable(value)
        if isinstance(change, Assign) and None in change.fields.values():
            raise _invalid("null is no value of a field", "name the field in remove, or on a command line with FIELD-")
    if not _AUTHOR.fullmatch(request.author) or _UNPRINTABLE.search(request.author):
        raise _invalid("the author must be given as NAME <ADDRESS>", "for example 'Dana <dana@acme.example>'")
    message = request.message
    if not message.strip() or len(message) > _MAX_MESSAGE or _UNPRINTABLE.search(message):
        raise _invalid(f"a message has 1 to {_MAX_MESSAGE} printable characters", "say in words what changes, and why")
    if _OWN_TRAILER.search(message):
        raise _invalid("lines that begin with Krate- are written by the program", "leave them out of the message")


def changes_of(values: Any) -> tuple[Change, ...]:
    """Changes from plain data, a list of maps with ``op``. Raises ``UsageError(INVALID_REQUEST)``."""
    try:
        return tuple(msgspec.convert(values, list[Change]))
    except msgspec.ValidationError as error:
        # The message says which field of which change, and never a value.
        raise _invalid(str(error), "each change has op apply, set, delete or restore, and its fields") from None


def plain_changes(changes: tuple[Change, ...]) -> list[Mapping[str, Any]]:
    """Changes as plain data."""
    result: list[Mapping[str, Any]] = msgspec.to_builtins(list(changes))
    return result


def _invalid(message: str, hint: str) -> UsageError:
    return UsageError("INVALID_REQUEST", message, hint=hint)
