"""Creates an object once over a network that loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from krate_gitops.cluster.client.failures import AlreadyExistsError, TransientError

_MOST_SENDINGS = 3
_PAUSE = 0.2
"""Seconds for a request whose answer got lost to reach its end, before the server is asked."""


async def create_once(
    send: Callable[[], Awaitable[dict[str, Any]]],
    look: Callable[[], Awaitable[dict[str, Any] | None]],
    obj: Mapping[str, Any],
    *,
    manager: str,
) -> dict[str, Any]:
    """Sends, and where it isn't known whether the request arrived, looks before sending again.

    Names are unique, so nothing is ever made twice; the question is only whose the object is. It counts as made here
    when this field manager wrote it and it holds what was sent. Raises ``AlreadyExistsError`` where it is another's,
    and whatever ``send`` and ``look`` raise.
    """
    doubtful = False
    for sending in range(1, _MOST_SENDINGS + 1):
        try:
            return await send()
        except AlreadyExistsError:
            if not doubtful:
                raise
            found = await look()
            if found is not None and _is_made_by(found, obj, manager):
                return found
            raise
        except TransientError as error:
            if not error.sent or not error.passing:
                raise
            await asyncio.sleep(_PAUSE)
            found = await look()
            if found is not None:
                if _is_made_by(found, obj, manager):
                    return found
                message = f"{error.message}; an object of that name is there, written by another manager"
                raise AlreadyExistsError("CLUSTER_ALREADY_EXISTS", message, location=error.location) from None
            if sending == _MOST_SENDINGS:
                raise
            doubtful = True
    raise AssertionError("the last sending returns or raises")


def _is_made_by(found: Mapping[str, Any], obj: Mapping[str, Any], manager: str) -> bool:
    entries = found["metadata"].get("managedFields")
    wrote = any(
        isinstance(entry, Mapping) and entry.get("manager") == manager and entry.get("operation") == "Update"
        for entry in (entries if isinstance(entries, list) else ())
    )
    # The server folds stringData into data.
    return wrote and _holds(found, {key: value for key, value in obj.items() if key != "stringData"})


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), value) for key, value in wanted.items())
    return bool(found == wanted)
