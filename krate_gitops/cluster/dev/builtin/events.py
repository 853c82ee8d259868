"""Events, in the two shapes that they have: of the core group and of ``events.k8s.io``."""

from __future__ import annotations

from typing import Any, Final

from krate_gitops.cluster.dev.ages import age
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
from krate_gitops.cluster.dev.builtin.making import built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required
from krate_gitops.cluster.dev.schemas.names import qualified

Object = dict[str, Any]

_LONGEST: Final = 128
_LONGEST_NOTE: Final = 1024
_OLDER_NAMES: Final = {"note": "message", "regarding": "involvedObject"}
_IMMUTABLE: Final = (
    "regarding", "reason", "note", "type", "eventTime", "action", "related", "reportingController", "reportingInstance",
)  # fmt: skip


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
    """Faults name the fields of the older shape."""
    if old is not None:
        return [
            invalid_value(_OLDER_NAMES.get(name, name), new.get(name, ""), "field is immutable")
            for name in _IMMUTABLE
            if (new.get(name) or None) != (old.get(name) or None)
        ]
    faults = _validate(new, old)
    if not new.get("eventTime"):
        faults.append(required("eventTime"))
    if (series := new.get("series")) is not None:
        if series.get("count", 0) < 2:
            faults.append(invalid_value("series.count", "", "should be at least 2"))
        if not series.get("lastObservedTime"):
            faults.append(required("series.lastObservedTime"))
    controller = new.get("reportingController") or ""
    if not controller:
        faults.append(required("reportingController"))
    faults += [invalid_value("reportingController", controller, why) for why in qualified(controller)]
    for name in ("reportingInstance", "action", "reason"):
        value = new.get(name) or ""
        if not value:
            faults.append(required(name))
        elif len(value) > _LONGEST:
            faults.append(invalid_value(name, "", f"can have at most {_LONGEST} characters"))
    if len(new.get("note") or "") > _LONGEST_NOTE:
        faults.append(invalid_value("message", "", f"can have at most {_LONGEST_NOTE} characters"))
    if new.get("type") not in ("Normal", "Warning"):
        faults.append(invalid_value("type", "", f"has invalid value: {new.get('type') or ''}"))
    return faults


def _object_of(value: Object) -> str:
    about = _about(value)
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _last_seen(value: Object) -> str:
    series = value.get("series") or {}
    times = (series.get("lastObservedTime"), _either(value, "lastTimestamp"), value.get("eventTime"))
    return age(next((time for time in times if time), None))


def _first_seen(value: Object) -> str:
    return age(_either(value, "firstTimestamp") or value.get("eventTime"))


def _source(value: Object) -> str:
    source = _either(value, "source") or {}
    component = source.get("component") or value.get("reportingComponent") or value.get("reportingController") or ""
    return f"{component}, {source['host']}" if source.get("host") else str(component)


def _count(value: Object) -> int:
    return int((value.get("series") or {}).get("count") or _either(value, "count") or 1)


def _either(value: Object, name: str) -> Any:
    """A field by its name in the older shape, or in the newer one."""
    return value.get(name) or value.get(f"deprecated{name[0].upper()}{name[1:]}")


_COLUMNS = (
    column("Last Seen", _last_seen),
    column("Type", lambda value: value.get("type", "")),
    column("Reason", lambda value: value.get("reason", "")),
    column("Object", _object_of),
    column("Subobject", lambda value: _about(value).get("fieldPath", ""), priority=1),
    column("Source", _source, priority=1),
    column("Message", lambda value: (value.get("message") or value.get("note") or "").strip()),
    column("First Seen", _first_seen, priority=1),
    column("Count", _count, priority=1),
    column("Name", lambda value: value["metadata"]["name"], priority=1),
)

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Event", "events", _OLDER, short_names=("ev",), name_rule="path-segment", creates_on_update=True,
        validate_kind=_validate, columns=_COLUMNS,
    ),
    built_in(
        "events.k8s.io", "v1", "Event", "events", _NEWER, short_names=("ev",), creates_on_update=True,
        validate_kind=_validate_newer, columns=_COLUMNS,
    ),
)  # fmt: skip
