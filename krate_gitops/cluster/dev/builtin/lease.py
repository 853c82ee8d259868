"""Leases: who holds something, and since when."""

from __future__ import annotations

from krate_gitops.cluster.dev.builtin.fields import kind_schema, micro_time, number, pointer, record, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column

_SPEC = record({
    "holderIdentity": pointer(text()), "leaseDurationSeconds": pointer(number()), "acquireTime": micro_time(),
    "renewTime": micro_time(), "leaseTransitions": pointer(number()), "strategy": pointer(text()),
    "preferredHolder": pointer(text()),
})  # fmt: skip

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "coordination.k8s.io", "v1", "Lease", "leases", kind_schema({"spec": _SPEC}),
        creates_on_update=True, needs_version=True,
        columns=(NAME, column("Holder", lambda value: (value.get("spec") or {}).get("holderIdentity", "")), age()),
    ),
)  # fmt: skip
