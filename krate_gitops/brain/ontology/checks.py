"""Checks that need the whole ontology: names exist, prefixes are unique, kinds are explained."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from krate_gitops.brain.model import EdgeKind, ExternalPrefix, NodeKind
from krate_gitops.brain.ontology.kinds import Pointers
from krate_gitops.brain.ontology.reader import Report


def check_prefixes(
    kinds: Mapping[str, NodeKind],
    externals: Mapping[str, ExternalPrefix],
    kind_pointers: Pointers,
    external_pointers: Pointers,
    report: Report,
    *,
    shared: bool,
) -> None:
    """KB083: every prefix belongs to one kind, or to the outside. ``shared`` lets kinds have prefixes in common."""
    owners: dict[str, str] = {}
    for kind in kinds.values():
        pointer = kind_pointers[kind.name]
        for prefix in kind.id_prefixes:
            owner = owners.setdefault(prefix, kind.name)
            if owner != kind.name and not shared:
                field = f"{pointer}.{'idPrefix' if prefix == kind.id_prefix else 'idPrefixes'}"
                report.add("KB083", f'idPrefix "{prefix}" used twice: by {owner} and {kind.name}', field)
    for prefix in externals:
        if prefix in owners:
            message = f'prefix "{prefix}" is external and the idPrefix of {owners[prefix]}'
            report.add("KB083", message, f"{external_pointers[prefix]}.prefix")


def check_explained(
    kinds: Mapping[str, NodeKind] | Mapping[str, EdgeKind], pointers: Pointers, what: str, report: Report
) -> None:
    """KB084: people choose a kind by its description and examples."""
    for kind in kinds.values():
        for missing, present in (("description", kind.description), ("example", kind.examples)):
            if not present:
                report.add("KB084", f'{what} "{kind.name}" has no {missing}', pointers[kind.name])


def check_node_kind_names(kinds: Mapping[str, NodeKind], pointers: Pointers, report: Report) -> None:
    """KB086 in ``node-kinds.yaml``."""
    for kind in kinds.values():
        pointer = pointers[kind.name]
        _check_one(kind.replaced_by, kinds, "replacedBy", "kind", f"{pointer}.replacedBy", report)
        for name, attribute in kind.attributes.items():
            field = f"{pointer}.attributes.{name}.kinds"
            _check_all(attribute.kinds, kinds, "kinds", "kind", field, report)


def check_edge_kind_names(
    edges: Mapping[str, EdgeKind],
    kinds: Collection[str],
    externals: Collection[str],
    pointers: Pointers,
    report: Report,
) -> None:
    """KB086 in ``edge-kinds.yaml``."""
    for edge in edges.values():
        pointer = pointers[edge.name]
        _check_all(edge.domain, kinds, "domain", "kind", f"{pointer}.domain", report)
        _check_all(edge.range, kinds, "range", "kind", f"{pointer}.range", report)
        _check_all(edge.external, externals, "external", "prefix", f"{pointer}.external", report)
        _check_one(edge.inverse, edges, "inverse", "edge kind", f"{pointer}.inverse", report)
        _check_one(edge.replaced_by, edges, "replacedBy", "edge kind", f"{pointer}.replacedBy", report)


def _check_all(names: tuple[str, ...], known: Collection[str], key: str, what: str, field: str, report: Report) -> None:
    if names in (("*",), ("@same",)):
        return
    for at, name in enumerate(names):
        _check_one(name, known, key, what, f"{field}[{at}]", report)


def _check_one(name: str | None, known: Collection[str], key: str, what: str, field: str, report: Report) -> None:
    if name is None or name in known:
        return
    near = get_close_matches(name, known, 1)
    report.add(
        "KB086",
        f'{key} names unknown {what} "{name[:60]}"',
        field,
        hint=f'did you mean "{near[0]}"?' if near else f"declare the {what} first",
    )
