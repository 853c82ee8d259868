"""ServiceAccounts: an identity, and names of Secrets that go with it."""

from __future__ import annotations

from krate_gitops.cluster.dev.builtin.fields import atomic, flag, keyed, kind_schema, list_of, pointer, record, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn, Subresource
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column

_REFERENCE = atomic(record({
    "kind": text(), "namespace": text(), "name": text(), "uid": text(), "apiVersion": text(), "resourceVersion": text(),
    "fieldPath": text(),
}))  # fmt: skip
_LOCAL = atomic(record({"name": text()}))
_TOKEN = Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1")

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "ServiceAccount", "serviceaccounts",
        kind_schema({
            "secrets": keyed(_REFERENCE, "name"),
            "imagePullSecrets": list_of(_LOCAL),
            "automountServiceAccountToken": pointer(flag()),
        }),
        short_names=("sa",), subresources=(_TOKEN,), returns_deleted=True,
        columns=(NAME, column("Secrets", lambda value: len(value.get("secrets") or ()), kind="string"), age()),
    ),
)  # fmt: skip
