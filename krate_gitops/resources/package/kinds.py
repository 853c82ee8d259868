"""Kinds as the chart's roles need them: plurals by who writes them."""

from __future__ import annotations

from collections.abc import Iterator

from krate_gitops.resources.kinds.inventory import MODELS, Author, Kind

SOURCE = "GitOpsSource"


def organization_kinds() -> list[Kind]:
    """Kinds that an organization's own sources may hold."""
    return [kind for kind in MODELS.values() if kind.author is Author.GIT]


def tenancy_kinds() -> list[Kind]:
    """Kinds that lie in the platform namespace only."""
    return [kind for kind in MODELS.values() if kind.author is Author.PLATFORM and kind.name != SOURCE]


def template() -> str:
    """Named templates with the resources of a rule: ``krate.kinds.organization`` and ``krate.kinds.tenancy``.

    Those with ``.status`` name the status subresources.
    """
    lines = ["{{/* Made by `make docs` from the inventory of kinds. */}}"]
    for name, kinds in (("organization", organization_kinds()), ("tenancy", tenancy_kinds())):
        lines += _list(f"krate.kinds.{name}", [kind.plural for kind in kinds])
        lines += _list(f"krate.kinds.{name}.status", [f"{kind.plural}/status" for kind in kinds])
    return "\n".join(lines) + "\n"


def _list(name: str, resources: list[str]) -> Iterator[str]:
    yield f'{{{{- define "{name}" -}}}}'
    yield from (f"- {resource}" for resource in resources)
    yield "{{- end }}"
