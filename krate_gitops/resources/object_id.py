"""The identity of an object in a cluster."""

from __future__ import annotations

from typing import Any, NamedTuple

CLUSTER_SCOPED = frozenset({("", "Namespace")})
"""Kinds this program meets that lie in no namespace. A namespace written on one of them means nothing."""


class ObjectId(NamedTuple):
    """Who an object is, whatever version it is written in. Its text form is ``group/kind/namespace/name``.

    ``/`` is in no part of it, so nothing needs escaping, while names of native roles may hold ``:``.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(self)

    @property
    def short(self) -> str:
        """For people: kind and name, with the namespace in front where there is one."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


def parse_id(text: str) -> ObjectId:
    """The identity from its text form. Raises ``ValueError``."""
    parts = text.split("/")
    if len(parts) != 4 or not parts[1] or not parts[3]:
        raise ValueError(f"{text!r} is no group/kind/namespace/name")
    return ObjectId(*parts)


def id_of(value: dict[str, Any]) -> ObjectId:
    """The identity of an object as the API shows it."""
    group, _, _ = str(value.get("apiVersion", "")).rpartition("/")
    kind, metadata = str(value.get("kind", "")), value.get("metadata") or {}
    namespace = "" if (group, kind) in CLUSTER_SCOPED else str(metadata.get("namespace") or "")
    return ObjectId(group, kind, namespace, str(metadata.get("name", "")))
