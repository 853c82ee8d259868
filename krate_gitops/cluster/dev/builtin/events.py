"""Events, in the two shapes that they have: of the core group and of ``events.k8s.io``."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    Schema,
    always,
    atomic,
    kind_schema,
    micro_time,
    number,
    pointer,
    record,
    text,
    time,
)
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required

Object = dict[str, Any]


def _reference() -> Schema:
    names = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    return atomic(record({name: text() for name in names}))


_SOURCE = record({"component": text(), "host": text()})
_SERIES = pointer(record({"count": number(), "lastObservedTime": micro_time()}))
_OLDER = kind_schema({
    "involvedObject": _reference(), "reason": text(), "message": text(), "source": _SOURCE,
    "firstTimestamp": {**time(), "~null": True}, "lastTimestamp": {**time(), "~null": True}, "count": number(),
    "type": text(), "eventTime": {**micro_time(), "~null": True}, "series": _SERIES, "action": text(),
    "related": pointer(_reference()), "reportingComponent": always(text()), "reportingInstance": always(text()),
})  # fmt: skip
_NEWER = kind_schema({
    "eventTime": {**micro_time(), "~null": True}, "series": _SERIES, "reportingController": text(),
    "reportingInstance": text(), "action": text(), "reason": text(), "regarding": _reference(),
    "related": pointer(_reference()), "note": text(), "type": text(), "deprecatedSource": _SOURCE,
    "deprecatedFirstTimestamp": {**time(), "~null": True}, "deprecatedLastTimestamp": {**time(), "~null": True},
    "deprecatedCount": number(),
})  # fmt: skip


def _about(value: Object) -> Object:
    found: Object = value.get("involvedObject") or value.get("regarding") or {}
    return found


def _validate(new: Object, old: Object | None) -> list[Fault]:
    """What both shapes ask for; the newer one asks for its own fields where it is used."""
    about, namespace = _about(new), new["metadata"].get("namespace", "")
    field = "regarding.namespace" if "regarding" in new else "involvedObject.namespace"
    if about.get("namespace", "") != namespace and (about.get("namespace") or namespace != "default"):
        return [invalid_value(field, about.get("namespace", ""), "does not match event.namespace")]
    return []


def _validate_newer(new: Object, old: Object | None) -> list[Fault]:
    faults = [] if new.get("eventTime") else [required("eventTime")]
    for name, limit in (("reportingController", 63), ("reportingInstance", 128), ("action", 128), ("reason", 128)):
        value = new.get(name) or ""
        if not value:
            faults.append(required(name))
        elif len(value) > limit and name != "reportingController":
            faults.append(invalid_value(name, "", f"can have at most {limit} characters"))
    if new.get("type") not in ("Normal", "Warning"):
        faults.append(invalid_value("type", "", f"has invalid value: {new.get('type') or ''}"))
    if len(new.get("note") or "") > 1024:
        faults.append(invalid_value("message", "", "can have at most 1024 characters"))
    return [*faults, *_validate(new, old)]


def _object_of(value: Object) -> str:
    about = _about(value)
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


_COLUMNS = (
    age("Last Seen"),
    column("Type", lambda value: value.get("type", "")),
    column("Reason", lambda value: value.get("reason", "")),
    column("Object", _object_of),
    column("Message", lambda value: (value.get("message") or value.get("note") or "").strip()),
)

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Event", "events", _OLDER, short_names=("ev",), creates_on_update=True, validate_kind=_validate,
        columns=_COLUMNS,
    ),
    built_in(
        "events.k8s.io", "v1", "Event", "events", _NEWER, short_names=("ev",), creates_on_update=True,
        validate_kind=_validate_newer, columns=_COLUMNS,
    ),
)  # fmt: skip
