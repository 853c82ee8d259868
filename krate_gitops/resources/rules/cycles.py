"""KR203: skills, MCP servers and subagents don't need each other in a circle.

No field of today leads back from a server or skill to what needs it. The check follows whatever references the models
have, so that a field which does is covered on the day it is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from krate_gitops.resources.manifest import Issue, issue_of
from krate_gitops.resources.rules.references import Reference, all_references
from krate_gitops.resources.world import World, organization_of

_KINDS = ("AgentSkill", "AgentMcpServer", "AgentSubagent")
Node = tuple[str, str, str]
"""Organization, kind and name."""


def dependency_cycle(world: World) -> Iterator[Issue]:
    """KR203: the first circle among what depends on each other, told at one of its members."""
    edges: dict[Node, list[Node]] = {}
    places: dict[Node, Reference] = {}
    for one in all_references(world):
        node = organization_of(one.manifest), one.manifest.kind, one.manifest.name
        if node[1] in _KINDS and one.kind in _KINDS:
            edges.setdefault(node, []).append((one.organization, one.kind, one.name))
            places.setdefault(node, one)
    cycle = find_cycle(edges)
    if cycle:
        at = places[min(cycle)]
        around = " needs ".join(f"{kind} {name}" for _, kind, name in cycle)
        yield issue_of(at.manifest, "KR203", f"a circle: {around}", at.field)


def find_cycle(edges: Mapping[Node, Iterable[Node]]) -> list[Node]:
    """A circle in a graph, its first node at both ends; empty where there is none."""
    sorter = TopologicalSorter({node: sorted(edges[node]) for node in sorted(edges)})
    try:
        sorter.prepare()
    except CycleError as error:
        # The library lists each node before the one that needs it.
        return list(reversed(error.args[1]))
    return []
