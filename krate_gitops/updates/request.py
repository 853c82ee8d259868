"""What somebody asks to change: read from their words, checked for form, and not yet compared with any commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.brain.rules.layout import path_problem
from krate_gitops.digest import sha256_digest
from krate_gitops.errors import UsageError
from krate_gitops.printable import printable
from krate_gitops.updates.model import Action, Evidence, Proposer, UpdateKind, ValidationPolicy

MAX_CHANGES = 50
MAX_CONTENT_BYTES = 64 * 1024
MAX_TOTAL_BYTES = 1024 * 1024
MAX_REASON = 500
MAX_RATIONALE = 4000
MAX_EVIDENCE = 50
_MAX_PATH = 1000
_MAX_NAME = 253
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ALIASES = {"add": "create", "replace": "update", "remove": "delete"}


class ProposedChange(msgspec.Struct, frozen=True, kw_only=True):
    """One path that shall change. ``content`` is the whole new file; None for what is deleted or only renamed."""

    path: str
    action: Action
    content: bytes | None = None
    new_path: str | None = None
    base_digest: str | None = None
    reason: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A request to change a brain. ``initiator`` is who started the source run, where that is known;
    ``extra_approvals`` are wanted beside the one that every update needs.
    """

    changes: tuple[ProposedChange, ...]
    proposer: Proposer
    rationale: str = ""
    evidence: tuple[Evidence, ...] = ()
    source_run: str | None = None
    update_kind: UpdateKind = UpdateKind.PROPOSED_PR
    target_branch: str | None = None
    base_commit: str | None = None
    observed_commit: str | None = None
    validation_policy: ValidationPolicy = ValidationPolicy()
    initiator: str | None = None
    extra_approvals: int = 0


def check_proposal(proposal: Proposal, *, content_limit: int = MAX_CONTENT_BYTES, most: int = MAX_CHANGES) -> None:
    """Raises ``UsageError(INVALID_REQUEST)`` for what no update may be, whatever the repository holds."""
    if not 1 <= len(proposal.changes) <= most:
        raise _refused(f"an update changes 1 to {most} files, this one {len(proposal.changes)}")
    if proposal.proposer.kind not in ("Agent", "User", "Controller"):
        raise _refused("the proposer is an Agent, a User or a Controller")
    if proposal.source_run is None and proposal.proposer.kind == "Agent":
        raise _refused("an agent's update names its source run", "give sourceRun")
    if proposal.proposer.kind == "Agent" and not proposal.rationale.strip():
        raise _refused("an agent's update says why", "give a rationale")
    if len(proposal.rationale) > MAX_RATIONALE:
        raise _refused(f"a rationale has at most {MAX_RATIONALE} characters")
    _check_names(proposal)
    _check_evidence(proposal.evidence)
    if any(not _is_text(one) for one in _texts(proposal)):
        raise _refused("a text of the update is not UTF-8", "half a surrogate pair is no character")
    total = 0
    seen: set[str] = set()
    for change in proposal.changes:
        _check_change(change, content_limit)
        total += len(change.content or b"")
        for path in filter(None, (change.path, change.new_path)):
            if path in seen:
                raise _refused(f"{printable(path)} is changed twice", "give each path once")
            seen.add(path)
    if total > max(MAX_TOTAL_BYTES, content_limit):
        raise _refused(f"the contents of an update are at most {MAX_TOTAL_BYTES} bytes together, these are {total}")


def _check_names(proposal: Proposal) -> None:
    named = {"name of the proposer": proposal.proposer.name, "source run": proposal.source_run}
    for what, name in named.items():
        if name is not None and not (0 < len(name) <= _MAX_NAME and name.isprintable() and name.strip() == name):
            raise _refused(f"the {what} is 1 to {_MAX_NAME} printable characters")


def _check_evidence(evidence: Sequence[Evidence]) -> None:
    if len(evidence) > MAX_EVIDENCE:
        raise _refused(f"an update has at most {MAX_EVIDENCE} pieces of evidence")
    if any(one.digest is not None and not _DIGEST.fullmatch(one.digest) for one in evidence):
        raise _refused("the digest of a piece of evidence is no sha256 digest")
    if any(len(text or "") > _MAX_PATH for one in evidence for text in (one.kind, one.ref, one.digest)):
        raise _refused(f"a piece of evidence is named by at most {_MAX_PATH} characters")


def _texts(proposal: Proposal) -> Iterator[str]:
    yield proposal.rationale
    yield proposal.initiator or ""
    for one in proposal.evidence:
        yield from (one.kind, one.ref, one.digest or "")
    for change in proposal.changes:
        yield from (change.path, change.new_path or "", change.reason)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_change(change: ProposedChange, content_limit: int) -> None:
    for path in filter(None, (change.path, change.new_path)):
        if len(path) > _MAX_PATH:
            raise _refused(f"a path has at most {_MAX_PATH} characters")
    shown = printable(change.path)
    if not change.path:
        raise _refused("a change names its path")
    needs_content = change.action in (Action.CREATE, Action.UPDATE, Action.UPSERT)
    if needs_content and change.content is None:
        raise _refused(f"{change.action} of {shown} needs the new content")
    if change.action is Action.DELETE and change.content is not None:
        raise _refused(f"{shown} is deleted, so it has no content")
    if (change.action is Action.RENAME) != (change.new_path is not None):
        raise _refused(f"newPath goes with rename, and rename with newPath: {shown}")
    if change.content is not None and len(change.content) > content_limit:
        raise _refused(f"a file has at most {content_limit} bytes, {shown} has {len(change.content)}")
    if change.base_digest is not None and not _DIGEST.fullmatch(change.base_digest):
        raise _refused(f"the baseDigest of {shown} is no sha256 digest")
    if not change.reason.strip():
        raise _refused(f"the change of {shown} has no reason", "say in a line why")
    if len(change.reason) > MAX_REASON:
        raise _refused(f"a reason has at most {MAX_REASON} characters: {shown}")


def path_fault(path: str) -> str:
    """Why a path is none below the memory root; empty when it is one."""
    return path_problem(path) if path else "is empty"


def parse_changes(items: Sequence[Any], contents: Mapping[str, bytes] | None = None) -> tuple[ProposedChange, ...]:
    """Change items as JSON or YAML has them, with the older spelling of actions too.

    ``content`` is text; ``contentRef`` is looked up in ``contents``. A ``contentDigest`` must be that of the content.
    Raises ``UsageError(INVALID_REQUEST)``.
    """
    if not isinstance(items, (list, tuple)):
        raise _refused("changes is a list")
    return tuple(_parse_change(item, contents or {}, at) for at, item in enumerate(items))


_FIELDS = {"path", "action", "op", "newPath", "content", "contentRef", "contentDigest", "baseDigest", "reason"}


def _parse_change(item: Any, contents: Mapping[str, bytes], at: int) -> ProposedChange:
    if not isinstance(item, Mapping):
        raise _refused(f"changes[{at}] is no map")
    unknown = sorted(str(key) for key in item.keys() - _FIELDS)
    if unknown:
        raise _refused(f"changes[{at}] has the unknown field {printable(unknown[0])[:80]}")
    values: dict[str, str | None] = {}
    for name in _FIELDS:
        value = item.get(name)
        if value is not None and not isinstance(value, str):
            raise _refused(f"changes[{at}].{name} is no text")
        values[name] = value
    if values["action"] is not None and values["op"] is not None:
        raise _refused(f"changes[{at}] has both action and op")
    word = values["action"] or values["op"] or ""
    try:
        action = Action(_ALIASES.get(word, word))
    except ValueError:
        raise _refused(f"changes[{at}].action is one of {', '.join(Action)}") from None
    content = _content(values, contents, at)
    return ProposedChange(
        path=values["path"] or "",
        action=action,
        content=content,
        new_path=values["newPath"],
        base_digest=values["baseDigest"],
        reason=values["reason"] or "",
    )


def _content(values: Mapping[str, str | None], contents: Mapping[str, bytes], at: int) -> bytes | None:
    text, ref = values["content"], values["contentRef"]
    if text is not None and ref is not None:
        raise _refused(f"changes[{at}] has both content and contentRef")
    if ref is not None:
        if ref not in contents:
            raise _refused(f"changes[{at}].contentRef is not known here")
        content: bytes | None = contents[ref]
    else:
        content = None if text is None else text.encode("utf-8", "surrogatepass")
    digest = values["contentDigest"]
    if digest is not None and (content is None or sha256_digest(content) != digest):
        raise _refused(f"changes[{at}].contentDigest is not that of the content")
    return content


def _refused(message: str, hint: str = "") -> UsageError:
    return UsageError("INVALID_REQUEST", message, hint=hint or "see what an update may be in the guide")
