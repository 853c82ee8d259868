"""PUT, and the end of every change of an object that is there."""

from __future__ import annotations

from krate_gitops.cluster.dev.failure import Cause
from krate_gitops.cluster.dev.fields import settled, track_update
from krate_gitops.cluster.dev.http.options import WriteOptions, write_options
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.refusals import conflict, modified, not_found
from krate_gitops.cluster.dev.refusals import invalid as invalid_object
from krate_gitops.cluster.dev.schemas.faults import invalid
from krate_gitops.cluster.dev.store.collection import Entry
from krate_gitops.cluster.dev.verbs import metadata
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.create import create_from, group_of
from krate_gitops.cluster.dev.verbs.intake import check_place, object_from_body


def update(call: Call) -> Result:
    """Answers a PUT. Raises ``ApiFailure``."""
    kind = call.kind
    options = write_options(call.request, "UpdateOptions")
    value = object_from_body(call, options)
    check_place(call, value, named=True)
    entry = call.entry()
    if entry is None:
        if not kind.creates_by_put or call.subresource:
            raise not_found(kind, call.name)
        call.cluster.authorize_create(call)
        value["metadata"].pop("resourceVersion", None)
        return create_from(call, value, options)
    _check_uid(call, value, entry)
    return change(call, value, entry, options)


def change(call: Call, value: Object, entry: Entry, options: WriteOptions) -> Result:
    """A change by a decoded body: defaults, owners, checks, and the write."""
    kind = call.kind
    old = shown(call, entry)
    if warning := metadata.without_double_owners(value):
        call.warn(warning)
    value = kind.rules.default(value)
    is_typed = kind.rules.is_typed(value, old, call.subresource)
    value = kind.rules.reset(value, old, call.subresource)
    if is_typed:
        value = track_update(
            old,
            value,
            manager=options.manager,
            schema=kind.rules.schema,
            subresource=call.subresource,
            now=metadata.now(),
        )
    else:
        value = {**value, "metadata": {**value["metadata"]}}
        value["metadata"].pop("managedFields", None)
    return store_changed(call, value, entry, options)


def shown(call: Call, entry: Entry) -> Object:
    """The stored object as the kind of the call shows it. Shared: never change it."""
    value: Object = entry.view(call.kind, call.kind.rules.show)
    return value


def store_changed(call: Call, value: Object, entry: Entry, options: WriteOptions) -> Result:
    """The end of every change: versions, what belongs to the server, the checks, and the write.

    The write that takes the last finalizer from an object that is being deleted ends it.
    """
    cluster, kind = call.cluster, call.kind
    old = shown(call, entry)
    if value is old:
        return Result(value)
    if value["metadata"] is old["metadata"]:
        value = {**value, "metadata": dict(value["metadata"])}
    _check_version(call, value, entry)
    value["metadata"]["resourceVersion"] = str(entry.version)
    metadata.changed_object(value, old, kind)
    value = kind.rules.prepare(value, old, call.subresource)
    cluster.admit(call, value, old)
    faults = kind.rules.validate(value, old, call.subresource)
    if faults:
        raise invalid(value.get("kind") or kind.kind, group_of(value, kind), call.name, faults)
    cluster.judge(call, "UPDATE", value, old, dry_run=options.dry_run)
    for warning in kind.rules.warnings(value, old):
        call.warn(warning)
    value = settled(value, old)
    if options.dry_run:
        return Result(value)
    if is_over(value):
        cluster.store.remove(*kind.storage, entry.place, entry.value)
    elif value != old:
        stored = cluster.put(kind, entry.place, value)
        value = stored.view(kind, kind.rules.show)
    return Result(value)


def is_over(value: Object) -> bool:
    """Whether nothing holds an object any more that is being deleted."""
    found = value["metadata"]
    if not found.get("deletionTimestamp") or found.get("finalizers"):
        return False
    is_namespace = value.get("kind") == "Namespace" and value.get("apiVersion") == "v1"
    return not (is_namespace and (value.get("spec") or {}).get("finalizers"))


def _check_uid(call: Call, value: Object, entry: Entry) -> None:
    wanted, there = value["metadata"].get("uid"), entry.value["metadata"]["uid"]
    if wanted and wanted != there:
        group, plural = call.kind.storage
        key = f"/registry/{f'{group}/' if group else ''}{plural}/{entry.place}"
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {there}"
        raise conflict(
            call.kind,
            call.name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}",
        )


def _check_version(call: Call, value: Object, entry: Entry) -> None:
    version = metadata.given_version(value)
    if version == entry.version:
        return
    if version:
        raise modified(call.kind, call.name)
    if call.kind.needs_version:
        cause = Cause(
            "FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"
        )
        raise invalid_object(call.kind.plural, call.kind.group, call.name, [cause])
