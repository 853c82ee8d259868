"""Events have two shapes, one in each API that serves them; the older one is stored."""

from __future__ import annotations

from krate_gitops.cluster.dev.kinds import Object

CORE, NEWER = "v1", "events.k8s.io/v1"

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_OLDER_NAMES = {newer: older for older, newer in _NAMES.items()}


def newer_shape(value: Object) -> Object:
    """An event of the core API as events.k8s.io shows it; what is empty may have to be left out yet."""
    return {_NAMES.get(name, name): item for name, item in value.items()} | {"apiVersion": NEWER}


def older_shape(value: Object) -> Object:
    """An event of events.k8s.io as it is stored."""
    return {_OLDER_NAMES.get(name, name): item for name, item in value.items()} | {"apiVersion": CORE}
