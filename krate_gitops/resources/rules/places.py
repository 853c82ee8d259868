"""Rules about workspaces and sources: paths that stay inside, intervals that are long enough, objects left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.gitops import GitOpsSourceSpec
from krate_gitops.resources.kinds.inventory import MODELS, Author
from krate_gitops.resources.kinds.workspace import AgentWorkspacePolicySpec
from krate_gitops.resources.manifest import Issue, issue_of
from krate_gitops.resources.structure import did_you_mean
from krate_gitops.resources.world import World

_PATH_NAMES = ("path", "paths")
_PART = re.compile(r"(\d+)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LEAST_INTERVAL = 30


def escaping_path(world: World) -> Iterator[Issue]:
    """KR411: what is cleaned up lies below the workspace."""
    for one in world.of(AgentWorkspacePolicySpec):
        for field, text in _paths(one.spec.cleanup_policy, "spec.cleanupPolicy", False):
            if text.startswith(("/", "~", "\\")) or ".." in re.split(r"[/\\]", text):
                yield issue_of(one.manifest, "KR411", "the path leaves the workspace", field)


def _paths(value: Any, at: str, is_path: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, f"{at}.{name}", name in _PATH_NAMES)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{at}[{index}]", is_path)
    elif is_path and isinstance(value, str):
        yield at, value


def short_interval(world: World) -> Iterator[Issue]:
    """KR011, for the time between two polls."""
    for one in world.of(GitOpsSourceSpec):
        seconds = sum(int(number[:9]) * _SECONDS[unit] for number, unit in _PART.findall(one.spec.interval))
        if seconds < _LEAST_INTERVAL:
            yield issue_of(one.manifest, "KR011", f"must be at least {_LEAST_INTERVAL}s", "spec.interval")


def unlisted_kinds(world: World) -> Iterator[Issue]:
    """KR010, for the kinds that a source is narrowed to: only those that it may hold at all."""
    for one in world.of(GitOpsSourceSpec):
        for at, name in enumerate(one.spec.allowed_kinds or ()):
            kind = MODELS.get(name)
            if kind is None or (kind.author is Author.PLATFORM and one.spec.scope != "platform"):
                message = "no kind that this source may hold"
                yield issue_of(
                    one.manifest, "KR010", message, f"spec.allowedKinds[{at}]", hint=did_you_mean(name, MODELS)
                )


def switched_off(world: World) -> Iterator[Issue]:
    """KR732: an annotation keeps an object from being pruned or updated."""
    for one, _ in world.modelled:
        annotations = one.metadata.get("annotations")
        for what in ("prune", "reconcile") if isinstance(annotations, dict) else ():
            key = f"{GROUP}/{what}"
            if annotations is not None and annotations.get(key) == "disabled":
                message = f"{what} is switched off for this object"
                yield issue_of(one, "KR732", message, f"metadata.annotations.{key}", at_key=True)
