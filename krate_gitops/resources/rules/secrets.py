"""Rules that keep secret values out of Git. Messages never repeat what was found."""

from __future__ import annotations

from collections.abc import Iterator

from krate_gitops.resources.kinds.grants import AgentConfigGrantSpec, AgentSecretGrantSpec
from krate_gitops.resources.manifest import Issue, Manifest, issue_of
from krate_gitops.resources.structure import VALUE_NAMES, names_in
from krate_gitops.resources.world import World

_WILD = ("*", "?")


def value_fields(world: World) -> Iterator[Issue]:
    """KR301: no field of an agent kind is named as if it held a value."""
    for one in world.manifests:
        if not one.is_ours:
            continue
        places = [(name, name) for name in one.value if name in VALUE_NAMES]
        for field, name in (*places, *names_in(one.value.get("spec"), VALUE_NAMES, "spec")):
            yield issue_of(one, "KR301", f"{name} promises a secret value, which no field may hold", field, at_key=True)


def secret_manifests(world: World) -> Iterator[Issue]:
    """KR303: Secrets are never written in Git."""
    for one in world.manifests:
        if one.kind == "Secret" and not one.is_ours:
            yield issue_of(one, "KR303", "a Secret can't be kept in Git", "kind")


def wild_keys(world: World) -> Iterator[Issue]:
    """KR304: keys of grants are named one by one."""
    for grant in world.of(AgentSecretGrantSpec):
        yield from _wild(grant.manifest, "secretRef", grant.spec.secret_ref.keys)
    for config in world.of(AgentConfigGrantSpec):
        yield from _wild(config.manifest, "configMapRef", config.spec.config_map_ref.keys)


def _wild(manifest: Manifest, field: str, keys: tuple[str, ...]) -> Iterator[Issue]:
    for at, key in enumerate(keys):
        if any(sign in key for sign in _WILD):
            yield issue_of(manifest, "KR304", "a key has no wildcard", f"spec.{field}.keys[{at}]")
