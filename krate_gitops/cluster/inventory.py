"""The inventory of a source: every object it has applied, or is about to.

It is written before the first write as the union of what was there and what comes, and shrinks only after a confirmed
delete. So a crash at any point leaves no owned object that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.errors import KrateError
from krate_gitops.resources.object_id import ObjectId, parse_id

MAX_BYTES = 900 * 1024
"""Most an inventory may take in the status of its source: the server keeps objects of little more than a MiB."""


class Item(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One object. ``uid`` is empty while it isn't known; ``revision`` is the commit it was last applied from."""

    identity: str
    content_digest: str
    revision: str
    wave: int
    uid: str = ""

    @property
    def id(self) -> ObjectId:
        """The identity in its parts."""
        return parse_id(self.identity)


Inventory = dict[ObjectId, Item]


def read_inventory(status: Mapping[str, Any]) -> Inventory:
    """The inventory in the status of a source. Raises ``KrateError(SOURCE_STATUS_INVALID)`` for one that is none."""
    try:
        items = msgspec.convert(status.get("inventory") or [], list[Item])
        return {item.id: item for item in items}
    except (msgspec.ValidationError, ValueError) as error:
        raise KrateError(
            "SOURCE_STATUS_INVALID",
            f"the inventory in the status of the source can't be read: {error}",
            hint="restore the status from a backup; without it nothing can be told to be owned",
        ) from None


def inventory_value(inventory: Mapping[ObjectId, Item]) -> list[dict[str, Any]]:
    """The inventory as it is stored, sorted by wave and identity.

    Raises ``KrateError(KR706)`` when it is too large to be stored.
    """
    items = sorted(inventory.values(), key=lambda one: (one.wave, one.identity))
    if (size := inventory_size(items)) > MAX_BYTES:
        raise KrateError(
            "KR706",
            f"the inventory would take {size} bytes, and a source keeps at most {MAX_BYTES}",
            hint="split the source",
        )
    return [msgspec.to_builtins(item) for item in items]


def inventory_size(items: Iterable[Item]) -> int:
    """Bytes that items take as JSON."""
    return len(msgspec.json.encode(list(items)))


def united(inventory: Mapping[ObjectId, Item], coming: Sequence[Item]) -> Inventory:
    """What is owned and what is about to be. Of an object that is in both, what is known stays until it is applied."""
    return {**{item.id: item for item in coming}, **inventory}
