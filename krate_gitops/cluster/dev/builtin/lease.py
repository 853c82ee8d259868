"""Leases: who holds something, and since when."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import kind_schema, micro_time, number, pointer, record, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value

Object = dict[str, Any]

_SPEC = record({
    "holderIdentity": pointer(text()), "leaseDurationSeconds": pointer(number()), "acquireTime": micro_time(),
    "renewTime": micro_time(), "leaseTransitions": pointer(number()), "strategy": pointer(text()),
    "preferredHolder": pointer(text()),
})  # fmt: skip


def _validate(new: Object, old: Object | None) -> list[Fault]:
    spec, faults = new.get("spec") or {}, []
    if (duration := spec.get("leaseDurationSeconds")) is not None and duration <= 0:
        faults.append(invalid_value("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    if (transitions := spec.get("leaseTransitions")) is not None and transitions < 0:
        faults.append(invalid_value("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return faults


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "coordination.k8s.io", "v1", "Lease", "leases", kind_schema({"spec": _SPEC}),
        creates_on_update=True, needs_version=True, validate_kind=_validate,
        columns=(NAME, column("Holder", lambda value: (value.get("spec") or {}).get("holderIdentity", "")), age()),
    ),
)  # fmt: skip
