"""Secrets: values in base64, folded in from plain text, of a type that never changes."""

from __future__ import annotations

import base64
import json
from typing import Any

from krate_gitops.cluster.dev.builtin.config_map import MAX_BYTES, frozen_faults, key_faults, size_of
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
_EITHER = {"kubernetes.io/basic-auth": ("username", "password")}
_JSON = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_ACCOUNT = "kubernetes.io/service-account.name"


def _default(new: Object) -> Object:
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
    data, type_ = new.get("data") or {}, str(new.get("type"))
    faults += [required(f"data[{key}]") for key in _REQUIRED.get(type_, ()) if key not in data]
    if not any(key in data for key in _EITHER.get(type_, ())):
        faults += [required(f"data[{key}]") for key in _EITHER.get(type_, ())]
    if (key := _JSON.get(type_)) and key in data and (why := _no_json(data[key])):
        faults.append(invalid_value(f"data[{key}]", "<secret contents redacted>", why))
    annotations = new["metadata"].get("annotations") or {}
    if type_ == "kubernetes.io/service-account-token" and not annotations.get(_ACCOUNT):
        faults.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    is_too_big = sum(map(size_of, data.values())) > MAX_BYTES
    return [*faults, too_long("data", MAX_BYTES)] if is_too_big else faults


def _no_json(encoded: str) -> str:
    """Why a value isn't JSON, in the words of the server; empty if it is."""
    text = base64.b64decode(encoded).decode("utf-8", "replace")
    try:
        json.loads(text)
    except ValueError as problem:
        at = getattr(problem, "pos", 0)
        if at >= len(text):
            return "unexpected end of JSON input"
        return f"invalid character '{text[at]}' looking for beginning of value"
    except RecursionError:
        return "exceeded max depth"
    return ""


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Secret", "secrets",
        kind_schema({"data": mapping(binary()), "stringData": mapping(text()), "type": text(),
                     "immutable": pointer(flag())}),
        default_kind=_default, validate_kind=_validate,
        columns=(NAME, column("Type", lambda value: value.get("type", "")),
                 column("Data", lambda value: len(value.get("data") or {}), kind="string"), age()),
    ),
)  # fmt: skip
