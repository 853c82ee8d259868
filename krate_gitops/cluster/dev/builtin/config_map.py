"""ConfigMaps: text and binary values under keys, which can be frozen."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import binary, flag, kind_schema, mapping, pointer, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, forbidden, invalid_value, too_long
from krate_gitops.cluster.dev.schemas.names import config_key

Object = dict[str, Any]
MAX_BYTES = 1 << 20


def key_faults(value: Object, parts: tuple[str, ...]) -> list[Fault]:
    """Keys that can't be the name of a file, and keys that stand in the part after as well."""
    faults: list[Fault] = []
    for index, part in enumerate(parts):
        for key in sorted(value.get(part) or {}):
            faults += [invalid_value(f"{part}[{key}]", key, why) for why in config_key(key)]
            twice = next((other for other in parts[index + 1 :] if key in (value.get(other) or {})), "")
            if twice:
                faults.append(invalid_value(f"{part}[{key}]", key, f"duplicate of key present in {twice}"))
    return faults


def frozen_faults(new: Object, old: Object | None, parts: tuple[str, ...]) -> list[Fault]:
    """Changes of an object that is immutable."""
    if old is None or not old.get("immutable"):
        return []
    faults = []
    if not new.get("immutable"):
        faults.append(forbidden("immutable", "field is immutable when `immutable` is set"))
    faults += [
        forbidden(part, "field is immutable when `immutable` is set")
        for part in parts
        if (new.get(part) or {}) != (old.get(part) or {})
    ]
    return faults


def size_of(encoded: str) -> int:
    """How many bytes a text in base64 stands for."""
    return len(encoded) // 4 * 3 - encoded.count("=", -2)


def _validate(new: Object, old: Object | None) -> list[Fault]:
    faults = frozen_faults(new, old, ("data", "binaryData")) + key_faults(new, ("data", "binaryData"))
    size = sum(len(one.encode()) for one in (new.get("data") or {}).values())
    size += sum(map(size_of, (new.get("binaryData") or {}).values()))
    return [*faults, too_long("[]", MAX_BYTES)] if size > MAX_BYTES else faults


def _count(value: Object) -> int:
    return sum(len(value.get(part) or {}) for part in ("data", "binaryData"))


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "ConfigMap", "configmaps",
        kind_schema({"data": mapping(text()), "binaryData": mapping(binary()), "immutable": pointer(flag())}),
        short_names=("cm",), validate_kind=_validate, columns=(NAME, column("Data", _count), age()),
    ),
)  # fmt: skip
