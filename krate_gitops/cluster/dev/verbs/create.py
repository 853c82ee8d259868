"""POST: makes an object. A PUT and an apply come here as well where the object isn't there yet."""

from __future__ import annotations

from krate_gitops.cluster.dev.fields import track_update
from krate_gitops.cluster.dev.http.options import WriteOptions, write_options
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.refusals import already_exists, internal
from krate_gitops.cluster.dev.schemas.faults import invalid
from krate_gitops.cluster.dev.store.store import place_of
from krate_gitops.cluster.dev.verbs import metadata
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.intake import check_place, object_from_body
from krate_gitops.cluster.dev.verbs.namespaces import check_creation


def create(call: Call) -> Result:
    """Answers a POST to a collection. Raises ``ApiFailure``."""
    options = write_options(call.request, "CreateOptions")
    value = object_from_body(call, options)
    check_place(call, value, named=False)
    return create_from(call, value, options)


def create_from(call: Call, value: Object, options: WriteOptions) -> Result:
    """Makes an object of a decoded body that nobody owns yet."""
    kind = call.kind
    check_creation(call, value["metadata"].get("name") or "")
    if warning := metadata.without_double_owners(value):
        call.warn(warning)
    metadata.without_server_owned(value)
    value = kind.rules.default(value)
    value = kind.rules.reset(value, None, "")
    now = metadata.now()
    if kind.custom and metadata.has_entries_of_others(value):
        # The server can't tell which fields those are, and then keeps no managed fields at all.
        del value["metadata"]["managedFields"]
    else:
        value = track_update(
            None, value, manager=options.manager, schema=kind.rules.schema, now=now, empty=kind.rules.empty
        )
    return store_new(call, value, options)


def store_new(call: Call, value: Object, options: WriteOptions) -> Result:
    """The end of every creation: what belongs to the server, the checks, and the write."""
    cluster, kind = call.cluster, call.kind
    metadata.new_object(value, kind)
    value = kind.rules.prepare(value, None, "")
    name = value["metadata"].get("name") or ""
    cluster.admit(call, value, None)
    faults = kind.rules.validate(value, None, "")
    if faults:
        raise invalid(value.get("kind") or kind.kind, group_of(value, kind), name, faults)
    cluster.judge(call, "CREATE", value, None, dry_run=options.dry_run)
    for warning in kind.rules.warnings(value, None):
        call.warn(warning)
    if not options.dry_run and metadata.given_version(value):
        raise internal("resourceVersion should not be set on objects to be created")
    existing = call.entry(name)
    if existing is not None:
        raise already_exists(kind, name, leaving=bool(existing.value["metadata"].get("deletionTimestamp")))
    if not options.dry_run:
        stored = cluster.put(kind, place_of(call.namespace, name), value)
        value = stored.view(kind, kind.rules.show)
    return Result(value, 201)


def group_of(value: Object, kind: Kind) -> str:
    """The group that faults name: the one that a custom object says it is of, and that of what is stored."""
    return str(value.get("apiVersion") or "").rpartition("/")[0] if kind.custom else kind.storage[0]
