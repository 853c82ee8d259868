"""Rules that follow from the models: each picks its own among the breaches of structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from krate_gitops.resources.manifest import Issue, issue_of
from krate_gitops.resources.world import World

Check = Callable[[World], Iterator[Issue]]


def of_shape(code: str) -> Check:
    """The check of a rule that structure alone decides."""

    def check(world: World) -> Iterator[Issue]:
        for manifest, wrong in world.structure:
            for one in wrong:
                if one.code == code:
                    yield issue_of(manifest, code, one.message, one.field, at_key=one.at_key, hint=one.hint)

    return check
