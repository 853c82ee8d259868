"""GET of one object and of a list."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.http.options import ListOptions, list_options
from krate_gitops.cluster.dev.refusals import bad_request, internal, not_found
from krate_gitops.cluster.dev.schemas.faults import go_quote
from krate_gitops.cluster.dev.store.collection import Entry, TooOldError
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.field_selectors import parse_fields
from krate_gitops.cluster.dev.verbs.labels import parse_labels
from krate_gitops.cluster.dev.verbs.pages import NEWEST, Token, read_token, write_token
from krate_gitops.cluster.dev.verbs.update import shown

_SECONDS_FOR_FUTURE = 3.0
_POLL = 0.05


class Page(NamedTuple):
    """A part of a list. ``remaining`` is None where it isn't known or nothing is left."""

    entries: list[Entry]
    version: int
    token: str
    remaining: int | None


async def get(call: Call) -> Result:
    """Answers a GET of one object. Raises ``ApiFailure``."""
    text = call.request.query.get("resourceVersion")
    if text:
        if not is_version(text):
            raise unreadable_version(text)
        await wait_for(call, int(text))
    entry = call.entry()
    if entry is None:
        raise not_found(call.kind, call.name)
    return Result(shown(call, entry))


async def list_page(call: Call) -> Page:
    """The part of a collection that a list asks for. Raises ``ApiFailure``."""
    options = list_options(call.request.query, watch=False)
    labels, fields = parse_labels(options.labels), parse_fields(options.fields, call.kind)
    entries, version, limit = await _state(call, options)
    if labels.requirements:
        entries = [entry for entry in entries if labels.matches(entry.value["metadata"].get("labels") or {})]
    if fields.terms:
        entries = [entry for entry in entries if fields.matches(shown(call, entry))]
    if not limit or len(entries) <= limit:
        return Page(entries, version, "", None)
    token = write_token(Token(version, _relative(call, entries[limit - 1].place)))
    selective = bool(labels.requirements or fields.terms)
    return Page(entries[:limit], version, token, None if selective else len(entries) - limit)


async def _state(call: Call, options: ListOptions) -> tuple[list[Entry], int, int]:
    """The entries to choose from, the version they are of, and how many may be answered (0: all)."""
    store, kind, namespace = call.cluster.store, call.kind, call.namespace or None
    if options.version and not is_version(options.version):
        raise bad_request(f"invalid resource version: {_unreadable(options.version)}")
    wanted = int(options.version or 0)
    if options.token:
        token = read_token(options.token)
        if wanted:
            raise bad_request("specifying resource version is not allowed when using continue")
        version = store.version if token.version == NEWEST else token.version
        after = f"{call.namespace}/{token.after}" if namespace and kind.namespaced else token.after
        try:
            entries = store.entries_at(*kind.storage, version, namespace, after)
        except TooOldError:
            raise _expired_token(token) from None
        return entries, version, 0 if options.version == "0" else options.limit
    await wait_for(call, wanted)
    if wanted and (options.match == "Exact" or (options.limit and not options.match)):
        try:
            return store.entries_at(*kind.storage, wanted, namespace, ""), wanted, options.limit
        except TooOldError:
            message = "The resourceVersion for the provided list is too old."
            raise ApiFailure(410, "Expired", message) from None
    limit = 0 if options.version == "0" else options.limit
    return store.collection(*kind.storage).entries(namespace), store.version, limit


def _relative(call: Call, place: str) -> str:
    return place.removeprefix(f"{call.namespace}/") if call.namespace and call.kind.namespaced else place


def is_version(text: str) -> bool:
    """Whether a text can be a version."""
    return text.isascii() and text.isdecimal() and len(text) < 20


def _unreadable(text: str) -> str:
    shown_text = go_quote(text)
    return f"resourceVersion: Invalid value: {shown_text}: strconv.ParseUint: parsing {shown_text}: invalid syntax"


def unreadable_version(text: str) -> ApiFailure:
    """A version that is no number, where one object is read or watched."""
    return internal(_unreadable(text))


async def wait_for(call: Call, version: int) -> None:
    """Waits a moment for a version that isn't there yet. Raises ``ApiFailure`` 504 when it doesn't come."""
    store = call.cluster.store
    waited = 0.0
    while store.version < version:
        if waited >= _SECONDS_FOR_FUTURE:
            raise ApiFailure(
                504,
                "Timeout",
                f"Timeout: Too large resource version: {version}, current: {store.version}",
                causes=(Cause("ResourceVersionTooLarge", "Too large resource version"),),
                details={"retryAfterSeconds": 1},
                headers=(("Retry-After", "1"),),
            )
        await asyncio.sleep(_POLL)
        waited += _POLL


def _expired_token(token: Token) -> ApiFailure:
    """The past that a page shows is forgotten; the answer has a token to go on without it."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    fresh = write_token(Token(NEWEST, token.after))
    return ApiFailure(410, "Expired", message, metadata={"continue": fresh})
