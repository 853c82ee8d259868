"""What namespaces say about writes into them, and how they end."""

from __future__ import annotations

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.refusals import details
from krate_gitops.cluster.dev.verbs.call import Call

NAMESPACES = ("", "namespaces")
PROTECTED = ("default", "kube-system", "kube-public")


def is_namespace(kind: Kind) -> bool:
    """Whether this is the kind Namespace itself."""
    return kind.storage == NAMESPACES


def check_creation(call: Call, name: str) -> None:
    """Raises ``ApiFailure`` 404 where the namespace isn't there, 403 where it is going."""
    if not call.namespace or not call.kind.namespaced:
        return
    entry = call.cluster.store.collection(*NAMESPACES).get(call.namespace)
    if entry is None:
        message = f'namespaces "{call.namespace}" not found'
        raise ApiFailure(404, "NotFound", message, details={"name": call.namespace, "kind": "namespaces"})
    if entry.value["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {call.namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {call.namespace} is being terminated", "metadata.namespace")
        raise ApiFailure(
            403,
            "Forbidden",
            f'{call.kind.resource} "{name}" is forbidden: {why}',
            causes=(cause,),
            details=details(call.kind, name),
        )


def check_deletion(call: Call) -> None:
    """Raises ``ApiFailure`` 403 for the namespaces that stay."""
    if is_namespace(call.kind) and call.name in PROTECTED:
        message = f'namespaces "{call.name}" is forbidden: this namespace may not be deleted'
        raise ApiFailure(403, "Forbidden", message, details=details(call.kind, call.name))
