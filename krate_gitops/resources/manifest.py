"""What a config repository holds: manifests with their provenance, and what is found wrong with them."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.resources.kinds.common import API_VERSION


class SourceFile(msgspec.Struct, frozen=True):
    """A file as it was read; ``oid`` is its blob, empty outside Git."""

    path: str
    data: bytes
    oid: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """One object as it is written, without null members.

    ``document`` counts the documents of the file that aren't empty, from 0; ``pointer`` leads to the object within its
    document (``items[2]`` in a ``List``, else empty). Values are text, numbers, booleans, lists and maps.
    """

    path: str
    document: int
    value: dict[str, Any]
    pointer: str = ""
    oid: str = ""

    @property
    def api_version(self) -> str:
        """As written; empty where it is missing or no text."""
        return _text(self.value.get("apiVersion"))

    @property
    def kind(self) -> str:
        """As written; empty where it is missing or no text."""
        return _text(self.value.get("kind"))

    @property
    def name(self) -> str:
        """As written; empty where it is missing or no text."""
        return _text(self.metadata.get("name"))

    @property
    def metadata(self) -> dict[str, Any]:
        """Empty where it is missing or no map."""
        return _map(self.value.get("metadata"))

    @property
    def spec(self) -> dict[str, Any]:
        """Empty where it is missing or no map."""
        return _map(self.value.get("spec"))

    @property
    def is_ours(self) -> bool:
        """Whether it claims to be of this program's API."""
        return self.api_version == API_VERSION


class Site(msgspec.Struct, frozen=True):
    """A place to be looked up: a field of a document, or a character of the file where ``offset`` is not negative."""

    path: str
    document: int = -1
    field: str = ""
    at_key: bool = False
    offset: int = -1


class Issue(msgspec.Struct, frozen=True):
    """A breach of a rule. ``related`` are other places with what they have to do with it; ``hint`` beats the rule's."""

    code: str
    message: str
    site: Site
    kind: str = ""
    name: str = ""
    hint: str = ""
    related: tuple[tuple[Site, str], ...] = ()


def site_of(manifest: Manifest, field: str = "", *, at_key: bool = False) -> Site:
    """The place of a field of an object."""
    pointer = f"{manifest.pointer}.{field}" if manifest.pointer and field else manifest.pointer or field
    return Site(manifest.path, manifest.document, pointer, at_key)


def issue_of(
    manifest: Manifest,
    code: str,
    message: str,
    field: str = "",
    *,
    at_key: bool = False,
    hint: str = "",
    related: tuple[tuple[Site, str], ...] = (),
) -> Issue:
    """An issue with an object."""
    site = site_of(manifest, field, at_key=at_key)
    return Issue(code, message, site, manifest.kind, manifest.name, hint, related)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
