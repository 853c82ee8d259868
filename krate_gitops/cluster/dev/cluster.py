"""One development cluster: its objects, its kinds, who may do what, and what goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.admission_matching import Write
from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.bootstrap import bootstrap_objects
from krate_gitops.cluster.dev.access.tokens import load_signing_key
from krate_gitops.cluster.dev.catalog import Catalog
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.store.collection import Change, Entry
from krate_gitops.cluster.dev.store.store import KindKey, Reader, Store, place_of
from krate_gitops.cluster.dev.verbs.call import Call
from krate_gitops.cluster.dev.verbs.definitions import DEFINITIONS
from krate_gitops.cluster.dev.verbs.metadata import new_object

FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class Behaviour(msgspec.Struct, frozen=True):
    """What the cluster does by itself. ``compaction`` is how many seconds of the past exact lists may ask for."""

    namespace_controller: bool = True
    garbage_collector: bool = True
    compaction: float = 300.0


class Watchers:
    """Open watches, so that they can be ended when their kind ends."""

    def __init__(self) -> None:
        self._ends: dict[Callable[[], None], Kind] = {}

    def add(self, end: Callable[[], None], kind: Kind) -> None:
        """Takes note of a watch."""
        self._ends[end] = kind

    def remove(self, end: Callable[[], None]) -> None:
        """Forgets a watch that has ended."""
        self._ends.pop(end, None)

    def end(self, kind: KindKey | None = None) -> None:
        """Ends the watches of one kind, or all."""
        for end, watched in list(self._ends.items()):
            if kind is None or watched.storage == kind:
                end()


class Cluster:
    """Everything that requests work on. Lives in one event loop.

    ``folder`` holds the objects; ``users`` is the file of users and tokens. Raises ``UnavailableError`` for a folder
    that can't be used, ``UsageError`` for users that can't be read.
    """

    def __init__(self, folder: Path, users: Path | None, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.store = Store(folder)
        self.reader = Reader(self.store)
        self.catalog = Catalog()
        self.watchers = Watchers()
        self.access = Access(
            self.reader, users, signing_key=load_signing_key(folder / "token.key"), find_kind=self._find_kind
        )
        for definition in self.reader.list(DEFINITIONS):
            self.catalog.set_definition(definition["metadata"]["name"], definition)
        self.store.listen(self._observe)
        self._make_first_objects()

    def put(self, kind: Kind, place: str, value: Object) -> Entry:
        """Writes an object in the form that is stored."""
        return self.store.put(*kind.storage, place, kind.rules.stored(value))

    def remove(self, kind: Kind, place: str, value: Object) -> Entry:
        """Takes an object away; ``value`` is its last state."""
        return self.store.remove(*kind.storage, place, kind.rules.stored(value))

    def admit(self, call: Call, new: Object, old: Object | None) -> None:
        """Holds a write against the rights to grant. Comes before validation. Raises ``ApiFailure``."""
        if call.kind.group == "rbac.authorization.k8s.io":
            self.access.check_grant(call.user, new, old, name=call.name)

    def judge(self, call: Call, operation: str, new: Object | None, old: Object | None, *, dry_run: bool) -> None:
        """Holds a write against policies. Comes after validation. Raises ``ApiFailure``."""
        if not self.access.has_policies:
            return
        kind = call.kind
        name = call.name or (new or old or {"metadata": {}})["metadata"].get("name", "")
        namespace = name if kind.storage == ("", "namespaces") else call.namespace
        versions = tuple(each.version for each in self.catalog.of_definition(kind.resource))
        write = Write(
            operation, call.user, kind.group, kind.version, kind.kind, kind.plural, call.subresource, name, namespace,
            new, old, dry_run, versions,
        )  # fmt: skip
        for warning in self.access.judge(write):
            call.warn(warning)

    def authorize_create(self, call: Call) -> None:
        """Asks for the right to create, where a PUT or an apply makes a new object. Raises ``ApiFailure`` 403."""
        kind = call.kind
        self.access.authorize(
            call.user,
            Attributes("create", kind.group, kind.plural, name=call.name, namespace=call.namespace),
        )

    def close(self) -> None:
        """Ends watches and lets go of the folder."""
        self.watchers.end()
        self.store.close()

    def _observe(self, kind: KindKey, change: Change) -> None:
        old = change.previous.value if change.previous else None
        new = None if change.type == "DELETED" else change.entry.value
        self.access.observe(kind, old, new)
        if kind == DEFINITIONS:
            self.catalog.set_definition(change.entry.place, new)

    def _find_kind(self, api_version: str, name: str) -> tuple[KindKey, bool] | None:
        """The collection of a kind, and whether its objects are in namespaces."""
        for kind in self.catalog.kinds():
            if kind.api_version == api_version and kind.kind == name:
                return kind.storage, kind.namespaced
        return None

    def _make_first_objects(self) -> None:
        for name in FIRST_NAMESPACES:
            labels = {"kubernetes.io/metadata.name": name}
            self._make_first(
                {
                    "kind": "Namespace",
                    "apiVersion": "v1",
                    "metadata": {"name": name, "labels": labels},
                    "spec": {"finalizers": ["kubernetes"]},
                    "status": {"phase": "Active"},
                }
            )
        for value in bootstrap_objects():
            self._make_first(value)

    def _make_first(self, value: Object) -> None:
        group, _, version = value["apiVersion"].rpartition("/")
        kind = next(
            each
            for each in self.catalog.kinds()
            if (each.group, each.version, each.kind) == (group, version, value["kind"])
        )
        place = place_of(value["metadata"].get("namespace", ""), value["metadata"]["name"])
        if self.store.collection(*kind.storage).get(place) is None:
            fresh: Object = {**value, "metadata": dict(value["metadata"])}
            new_object(fresh, kind)
            self.put(kind, place, fresh)


def soon(action: Callable[[], None]) -> None:
    """Runs something when the request at hand has been answered."""
    asyncio.get_running_loop().call_soon(action)
