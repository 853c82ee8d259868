"""Secrets: values in base64, folded in from plain text, of a type that never changes."""

from __future__ import annotations

import base64
from typing import Any

from krate_gitops.cluster.dev.builtin.config_map import MAX_BYTES, frozen_faults, key_faults
from krate_gitops.cluster.dev.builtin.fields import binary, flag, kind_schema, mapping, pointer, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required, too_long

Object = dict[str, Any]
_REQUIRED = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    fresh = {name: item for name, item in new.items() if name != "stringData"}
    if plain := new.get("stringData"):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        fresh["data"] = {**(new.get("data") or {}), **encoded}
    return {**fresh, "type": fresh.get("type") or "Opaque"}


def _validate(new: Object, old: Object | None) -> list[Fault]:
    faults = key_faults(new, ("data",))
    if old is not None and new.get("type") != old.get("type"):
        faults.append(invalid_value("type", new.get("type"), "field is immutable"))
    faults += frozen_faults(new, old, ("data",))
    data = new.get("data") or {}
    faults += [required(f"data[{key}]") for key in _REQUIRED.get(str(new.get("type")), ()) if key not in data]
    size = sum(len(value) * 3 // 4 for value in data.values())
    return [*faults, too_long("data", MAX_BYTES)] if size > MAX_BYTES else faults


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Secret", "secrets",
        kind_schema({"data": mapping(binary()), "stringData": mapping(text()), "type": text(),
                     "immutable": pointer(flag())}),
        prepare_kind=_prepare, validate_kind=_validate,
        columns=(NAME, column("Type", lambda value: value.get("type", "")),
                 column("Data", lambda value: len(value.get("data") or {}), kind="string"), age()),
    ),
)  # fmt: skip
