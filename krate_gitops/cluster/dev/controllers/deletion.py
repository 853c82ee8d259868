"""How a controller deletes an object: at once, or by asking those who hold it to let go."""

from __future__ import annotations

from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.store.collection import Entry
from krate_gitops.cluster.dev.store.store import KindKey, Store
from krate_gitops.cluster.dev.verbs.metadata import now


def let_go(store: Store, kind: KindKey, entry: Entry) -> None:
    """Removes an object without finalizers; marks one with finalizers as being deleted, once."""
    metadata = entry.value["metadata"]
    if not metadata.get("finalizers"):
        store.remove(*kind, entry.place, entry.value)
    elif not metadata.get("deletionTimestamp"):
        marked: Object = {**metadata, "deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
        if marked.get("generation"):
            marked["generation"] += 1
        store.put(*kind, entry.place, {**entry.value, "metadata": marked})
