"""What was asked for: one of four ways to name a commit, checked before anything is looked up."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.git.names import escape_name

SNAPSHOT_TAGS = "refs/tags/memory/snapshots/"
_LONGEST_NAME = 1_000
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|\A[-/.]|[/.]\Z|\A@\Z")
"""What no ref name contains, or what git would read as an expression or an option."""

_FIELDS = (
    ("mode",),
    ("requestedRef", "ref", "requested"),
    ("requestedAt", "refAt", "requestedRefAt"),
    ("resolutionPolicy",),
    ("requireApprovedCommit",),
)
"""Fields of a request: canonical name first, then its aliases."""


class RefMode(enum.StrEnum):
    CURRENT = "current"
    EXPLICIT_REF = "explicit-ref"
    REF_AT_TIME = "ref-at-time"
    SNAPSHOT_TAG = "snapshot-tag"


class RefRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A request as it came in. ``mode`` is inferred where it is absent, see ``settle``."""

    mode: RefMode | None = None
    requested_ref: str | None = None
    requested_at: str | None = None
    resolution_policy: Literal["latest-commit-before-or-at"] | None = None
    require_approved_commit: bool = True

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """A request from a document's fields, aliases included. Raises ``UsageError(MEMORY_REF_INVALID)``."""
        known = {name for names in _FIELDS for name in names}
        values = {name: value for name, value in fields.items() if name not in known}
        for names in _FIELDS:
            given = {name: fields[name] for name in names if fields.get(name) is not None}
            if len({msgspec.json.encode(value) for value in given.values()}) > 1:
                raise ref_invalid(f"{' and '.join(given)} are one field and differ", hint=f"give {names[0]} alone")
            if given:
                values[names[0]] = next(iter(given.values()))
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            raise ref_invalid(escape_name(str(error)), hint=f"mode is one of {', '.join(RefMode)}") from None

    def settle(self, default_branch: str) -> Self:
        """The same request with its mode; a snapshot tag by its full name; the default branch by none.

        Raises ``UsageError(MEMORY_REF_INVALID)`` for fields that don't go together and for what is no ref name.
        """
        ref = self.requested_ref
        is_default = ref in (None, default_branch, f"refs/heads/{default_branch}")
        if ref is not None and not is_default:
            check_ref_name(ref)
        mode = self.mode or self._inferred_mode(is_default)
        at_time = mode is RefMode.REF_AT_TIME
        if at_time and self.requested_at is None:
            raise ref_invalid("ref-at-time needs requestedAt", hint="add a time, or leave the mode out")
        if self.requested_at is not None and not at_time:
            raise ref_invalid(f"requestedAt doesn't go with mode {mode}", hint="use mode ref-at-time, or leave it out")
        if mode in (RefMode.CURRENT, RefMode.REF_AT_TIME) and not is_default:
            raise ref_invalid(
                f"{mode} reads the default branch {default_branch}, not {ref}",
                hint="leave requestedRef out, or ask for that ref alone",
            )
        if mode in (RefMode.EXPLICIT_REF, RefMode.SNAPSHOT_TAG) and ref is None:
            raise ref_invalid(f"{mode} needs requestedRef", hint="name a branch, a tag or a commit")
        if not self.require_approved_commit and mode is not RefMode.EXPLICIT_REF:
            raise ref_invalid(
                f"requireApprovedCommit can't be false for {mode}", hint="name the unapproved commit by requestedRef"
            )
        if mode is RefMode.SNAPSHOT_TAG:
            ref = _snapshot_tag(ref or "")
        elif mode is not RefMode.EXPLICIT_REF:
            ref = None
        return msgspec.structs.replace(self, mode=mode, requested_ref=ref)

    def _inferred_mode(self, is_default: bool) -> RefMode:
        if self.requested_at is not None:
            return RefMode.REF_AT_TIME
        if is_default:
            return RefMode.CURRENT
        is_snapshot = (self.requested_ref or "").startswith(SNAPSHOT_TAGS)
        return RefMode.SNAPSHOT_TAG if is_snapshot else RefMode.EXPLICIT_REF


def check_ref_name(name: str) -> None:
    """Raises ``UsageError(MEMORY_REF_INVALID)`` for what can't be the name of a ref or an object id."""
    if not name or len(name) > _LONGEST_NAME or _FORBIDDEN.search(name) or not _is_text(name):
        raise ref_invalid(
            f"{escape_name(name[:80])!r} is no ref name",
            hint="give a branch, a tag, a full ref or a commit id; expressions such as ~1, ^ or @{1} are not read",
        )


def ref_invalid(message: str, *, hint: str) -> UsageError:
    return UsageError("MEMORY_REF_INVALID", message, hint=hint)


def _snapshot_tag(ref: str) -> str:
    stamp = ref.removeprefix(SNAPSHOT_TAGS).removeprefix(SNAPSHOT_TAGS.removeprefix("refs/tags/"))
    if not _STAMP.fullmatch(stamp):
        raise ref_invalid(
            f"{escape_name(ref[:80])!r} names no snapshot tag", hint=f"write {SNAPSHOT_TAGS}YYYY-MM-DDTHHMMSSZ"
        )
    return SNAPSHOT_TAGS + stamp


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
