"""DELETE of one object and of a collection: preconditions, finalizers, propagation."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.http.bodies import UnreadableError, input_format, read
from krate_gitops.cluster.dev.http.options import DeleteOptions, delete_options, list_options
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.refusals import bad_request, conflict, details, not_found
from krate_gitops.cluster.dev.store.collection import Entry
from krate_gitops.cluster.dev.verbs import metadata
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.definitions import DEFINITIONS, mark_for_deletion
from krate_gitops.cluster.dev.verbs.field_selectors import parse_fields
from krate_gitops.cluster.dev.verbs.labels import parse_labels
from krate_gitops.cluster.dev.verbs.namespaces import check_deletion, is_namespace
from krate_gitops.cluster.dev.verbs.update import is_over, shown

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"
_POLICY_FINALIZERS = {"Foreground": _FOREGROUND, "Orphan": _ORPHAN}


def delete(call: Call) -> Result:
    """Answers a DELETE of one object. Raises ``ApiFailure``."""
    options = _options(call)
    entry = call.entry()
    if entry is None:
        raise not_found(call.kind, call.name)
    check_deletion(call)
    return delete_entry(call, entry, options)


def delete_entry(call: Call, entry: Entry, options: DeleteOptions) -> Result:
    """Deletes one object, or marks it for those who have to let go of it first."""
    kind = call.kind
    old = shown(call, entry)
    _check_preconditions(call, entry, options)
    call.cluster.judge(call, "DELETE", None, old, dry_run=options.dry_run)
    value = _marked(call, old, options)
    if is_over(value):
        if not options.dry_run:
            gone = call.cluster.remove(kind, entry.place, old)
            old = gone.view(kind, kind.rules.show)
        return Result(old) if kind.returns_deleted else Result(_success(call, entry), is_object=False)
    if value != old and not options.dry_run:
        value = call.cluster.put(kind, entry.place, value).view(kind, kind.rules.show)
    return Result(value)


def delete_collection(call: Call) -> Result:
    """Answers a DELETE of a collection with the list of what was there. Raises ``ApiFailure``."""
    kind, store = call.kind, call.cluster.store
    selected = list_options(call.request.query, watch=False)
    labels, fields = parse_labels(selected.labels), parse_fields(selected.fields, kind)
    options = _options(call)
    namespace = call.namespace or None
    found = [
        entry
        for entry in store.collection(*kind.storage).entries(namespace)
        if labels.matches(entry.value["metadata"].get("labels") or {}) and fields.matches(shown(call, entry))
    ]
    items = [shown(call, entry) for entry in found]
    for entry in found:
        name = entry.value["metadata"]["name"]
        place = entry.value["metadata"].get("namespace", "")
        delete_entry(_about(call, place, name), entry, options)
    return Result({"items": items, "version": store.version}, is_object=False)


def _about(call: Call, namespace: str, name: str) -> Call:
    return Call(call.cluster, call.request, call.user, call.kind, namespace, name, call.subresource, call.warnings)


def _options(call: Call) -> DeleteOptions:
    """The options of a deletion. Raises ``ApiFailure``."""
    raw = call.request.body
    if not raw:
        return delete_options(call.request.query, None)
    format_ = input_format(call.request.headers.get("content-type"))
    try:
        body, _ = read(raw, format_)
    except UnreadableError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal")
    kind, version = body.get("kind") or "DeleteOptions", body.get("apiVersion") or "v1"
    if kind != "DeleteOptions":
        scheme = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"
        raise bad_request(f'no kind "{kind}" is registered for version "{version}" in scheme "{scheme}"')
    return delete_options(call.request.query, body)


def _check_preconditions(call: Call, entry: Entry, options: DeleteOptions) -> None:
    there = entry.value["metadata"]["uid"]
    name = entry.value["metadata"]["name"]
    if options.uid and options.uid != there:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({there}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(call.kind, name, why, by_kind=True)
    if options.version and options.version != str(entry.version):
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion in "
            f"record ({entry.version}). The object might have been modified"
        )
        raise conflict(call.kind, name, why, by_kind=True)


def _marked(call: Call, old: Object, options: DeleteOptions) -> Object:
    """The object with its time of deletion and the finalizers that the policy asks for."""
    if call.kind.storage == DEFINITIONS:
        return mark_for_deletion(old)
    value: Object = {**old, "metadata": dict(old["metadata"])}
    found = value["metadata"]
    finalizers = _finalizers(found.get("finalizers") or [], options.policy)
    if finalizers:
        found["finalizers"] = finalizers
    else:
        found.pop("finalizers", None)
    if found.get("deletionTimestamp"):
        return value
    found["deletionTimestamp"] = metadata.now()
    if is_namespace(call.kind):
        value["status"] = {**(value.get("status") or {}), "phase": "Terminating"}
        return value
    found["deletionGracePeriodSeconds"] = 0
    if found.get("generation"):
        found["generation"] += 1
    return value


def _finalizers(given: list[str], policy: str) -> list[str]:
    """A policy that is named takes the place of the one before."""
    if not policy:
        return given
    others = [each for each in given if each not in _POLICY_FINALIZERS.values()]
    wanted = _POLICY_FINALIZERS.get(policy)
    return [*others, wanted] if wanted else others


def _success(call: Call, entry: Entry) -> dict[str, Any]:
    about = details(call.kind, entry.value["metadata"]["name"])
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**about, "uid": entry.value["metadata"]["uid"]},
    }
