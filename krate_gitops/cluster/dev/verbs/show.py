"""The forms in which objects and lists are answered."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.encode import answer, to_json
from krate_gitops.cluster.dev.http.negotiation import JSON, Media
from krate_gitops.cluster.dev.http.request import Response
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.refusals import internal
from krate_gitops.cluster.dev.store.collection import Entry
from krate_gitops.cluster.dev.verbs import table
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.read import Page

Metadata = dict[str, Any]


def check_form(call: Call) -> None:
    """Raises ``ApiFailure`` for a table with rows that nobody knows."""
    form = call.request.media.form
    if form is not None and form[0] == "Table":
        table.check_objects(call.request.query.get("includeObject"))


def result(call: Call, found: Result) -> Response:
    """An object in the form that is asked for; a Status as it is."""
    media = call.request.media
    if not found.is_object or media.form is None:
        return answer(found.value, Media(media.type), status=found.status)
    name, _, version = media.form
    if name == "PartialObjectMetadataList":
        raise internal("content is not a list")
    if name == "PartialObjectMetadata":
        shown: Any = table.metadata_only(found.value, version)
    else:
        include = call.request.query.get("includeObject")
        metadata = {"resourceVersion": found.value["metadata"].get("resourceVersion", "")}
        shown = table.table(call.kind, [found.value], version, include, metadata)
    return answer(shown, media, status=found.status)


def page(call: Call, found: Page) -> Response:
    """A list in the form that is asked for."""
    kind, media = call.kind, call.request.media
    metadata: Metadata = {"resourceVersion": str(found.version)}
    if found.token:
        metadata["continue"] = found.token
    if found.remaining is not None:
        metadata["remainingItemCount"] = found.remaining
    if media.form is None:
        return _plain(kind, media, found.entries, metadata)
    name, _, version = media.form
    values = [entry.view(kind, kind.rules.show) for entry in found.entries]
    if name == "PartialObjectMetadata":
        go_type = "*unstructured.UnstructuredList" if kind.custom else f"*v1.{kind.list_kind}"
        message = f"you requested PartialObjectMetadata, but the requested object is a list ({go_type})"
        raise ApiFailure(406, "NotAcceptable", message)
    if name == "PartialObjectMetadataList":
        return answer(table.metadata_list(values, version, metadata), media)
    include = call.request.query.get("includeObject")
    return answer(table.table(kind, values, version, include, metadata), media)


def collection(call: Call, values: list[Object], version: int) -> Response:
    """The list of what a deletion of a collection has met."""
    kind, media = call.kind, call.request.media
    items = values if kind.typed_items else [_untyped(value) for value in values]
    return answer(_list(kind, items, {"resourceVersion": str(version)}), Media(media.type))


def _plain(kind: Kind, media: Media, entries: list[Entry], metadata: Metadata) -> Response:
    if media.type == JSON:
        items: list[Any] = [entry.view((kind, "item"), lambda value: _item(kind, value)) for entry in entries]
    else:
        items = [kind.rules.show(entry.value) for entry in entries]
        items = items if kind.typed_items else [_untyped(value) for value in items]
    return answer(_list(kind, items, metadata), media)


def _item(kind: Kind, value: Object) -> msgspec.Raw:
    """An object as an item of a list, encoded once for all lists."""
    shown = kind.rules.show(value)
    return msgspec.Raw(to_json(shown if kind.typed_items else _untyped(shown)))


def _untyped(value: Object) -> Object:
    return {key: item for key, item in value.items() if key not in ("kind", "apiVersion")}


def _list(kind: Kind, items: list[Any], metadata: Metadata) -> dict[str, Any]:
    if kind.custom:
        metadata = {"continue": "", **metadata}
    return {"kind": kind.list_kind, "apiVersion": kind.api_version, "metadata": metadata, "items": items}
