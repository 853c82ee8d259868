"""The checks before a record enters the log: it is complete, of a known shape, and without a secret."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.entropy import entropy_trigger, find_high_entropy
from krate_gitops.brain.scan.linear import compile_trigger
from krate_gitops.brain.scan.patterns import SECRET_TRIGGER, SecretKind
from krate_gitops.brain.scan.ranges import Ranges
from krate_gitops.brain.scan.secrets import SecretHit, find_secrets
from krate_gitops.brain.scan.views import VIEWED
from krate_gitops.encoding import strings_in
from krate_gitops.errors import KrateError
from krate_gitops.records.audit_record import Entry
from krate_gitops.records.audit_schema import CLASSES, REDACTIONS
from krate_gitops.records.correlation import is_correlation_id

_SEPARATOR = "\n\0\n"  # what no secret reaches across
_BUILT_IN = SecretScan(entropy_min_length=40)
_TRIGGERS = (
    compile_trigger(SECRET_TRIGGER),
    compile_trigger(f"{VIEWED}|{entropy_trigger(_BUILT_IN.entropy_min_length)}", characters=True),
)


def cleaned(entry: Entry) -> dict[str, Any]:
    """The record of an entry as plain JSON, still without its place: strict details, secrets replaced and counted.

    Raises ``KrateError(AUDIT_RECORD_INVALID)`` for an unknown class or type, what is missing, and what is no text.
    """
    _require_known(entry)
    _require_complete(entry)
    allowed = CLASSES[entry.class_].details
    details = {key: value for key, value in entry.details.items() if key in allowed and value is not None}
    record = msgspec.to_builtins(msgspec.structs.replace(entry, details=details), str_keys=True)
    try:
        texts = _SEPARATOR.join(strings_in(record)).encode()
    except UnicodeEncodeError:
        raise _invalid("a text holds half a surrogate pair") from None
    if all(trigger.search(texts) is None for trigger in _TRIGGERS):
        return record
    counts: Counter[str] = Counter()
    record = _without_secrets(record, counts)
    if counts:
        record["details"][REDACTIONS] = dict(sorted(counts.items()))
    return record


def _require_known(entry: Entry) -> None:
    known = CLASSES.get(entry.class_)
    if known is None:
        raise _invalid(f"there is no class {entry.class_!r}")
    if entry.type not in known.types:
        raise _invalid(f"{entry.type!r} is no type of {entry.class_}")


def _require_complete(entry: Entry) -> None:
    required = {
        "organizationRef": entry.organization_ref,
        "namespace": entry.namespace,
        "actor.kind": entry.actor.kind,
        "actor.name": entry.actor.name,
        "operation": entry.operation,
        "source.controller": entry.source.controller,
        "target.kind": entry.target.kind,
        "target.name": entry.target.name,
        "decision.reason": entry.decision.reason,
    }
    missing = [name for name, value in required.items() if not value]
    if missing:
        raise _invalid(f"{', '.join(missing)} must be given")
    if not is_correlation_id(entry.metadata.correlation_id):
        raise _invalid("metadata.correlationId is not well formed")


def _without_secrets(value: Any, counts: Counter[str]) -> Any:
    if isinstance(value, str):
        return _redacted(value, counts)
    if isinstance(value, dict):
        return {_redacted(key, counts): _without_secrets(item, counts) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, counts) for item in value]
    return value


def _redacted(text: str, counts: Counter[str]) -> str:
    kept: list[str] = []
    done = 0
    for hit in _secrets(text):
        kept.extend((text[done : hit.start], f"[REDACTED:{hit.kind}]"))
        counts[hit.kind] += 1
        done = hit.end
    result = "".join((*kept, text[done:]))
    # What a marker is put beside may look like another secret. No record needs that text so much as to try again.
    left = _secrets(result) if kept else []
    if not left:
        return result
    counts[left[0].kind] += 1
    return f"[REDACTED:{left[0].kind}]"


def _secrets(text: str) -> list[SecretHit]:
    """Credentials and random-looking tokens, in order and without overlap."""
    known = find_secrets(text, _BUILT_IN)
    places = Ranges((hit.start, hit.end) for hit in known)
    random = [hit for hit in find_high_entropy(text, _BUILT_IN) if not places.meets(hit.start, hit.end)]
    found = [hit for hit in known if hit.kind != SecretKind.EXAMPLE]
    found.extend(SecretHit(hit.start, hit.end, SecretKind.BASE64_CREDENTIAL) for hit in random)
    return sorted(found)


def _invalid(message: str) -> KrateError:
    return KrateError(
        "AUDIT_RECORD_INVALID", message, hint="this is a defect of the caller: report it with what was done"
    )
