"""What a mirror needs to become equal to its source, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from krate_gitops.errors import KrateError
from krate_gitops.git.every_ref import Refs, escape_ref, refs_text

Descends = Callable[[str, str], bool]
"""Whether the first commit is the second one or continues it."""


class Plan(msgspec.Struct, frozen=True):
    """Refs by full name: new ones, ones that go on (old and new id), ones the source has no longer, and equal ones."""

    create: dict[str, str] = {}
    forward: dict[str, tuple[str, str]] = {}
    delete: dict[str, str] = {}
    same: int = 0

    @property
    def wanted(self) -> list[str]:
        """Ids that the mirror must have before its refs are moved."""
        return sorted({*self.create.values(), *(new for _, new in self.forward.values())})


def plan_mirror(source: Refs, target: Refs, *, default: str, descends: Descends, prune: bool, name: str) -> Plan:
    """What has to be done to ``target``, called ``name``. ``default`` is the full name of the source's default branch.

    A branch or note may go on where the source has gone on; nothing goes back or sideways, and no tag moves. With
    ``prune`` refs that the source has no longer are deleted, if the default branch shows that it is a mirror of it.

    Raises ``KrateError(MIRROR_DIVERGED)``.
    """
    plan, faults = Plan(), []
    for ref, new in source.items():
        old = target.get(ref)
        if old is None:
            plan.create[ref] = new
        elif old == new:
            continue
        elif ref.startswith("refs/tags/") or not descends(new, old):
            faults.append(ref)
        else:
            plan.forward[ref] = (old, new)
    surplus = {ref: oid for ref, oid in target.items() if ref not in source}
    if faults:
        raise _diverged(name, "has other commits at", faults, "they were written there, or the source was rewritten")
    if surplus and not prune:
        raise _diverged(name, "also has", list(surplus), "delete them there, or with --prune if it is an old mirror")
    if surplus and default not in target:
        raise _diverged(name, f"has no {escape_ref(default)}, but", list(surplus), "it is no mirror of this repository")
    return msgspec.structs.replace(plan, delete=surplus, same=len(source) - len(plan.create) - len(plan.forward))


def _diverged(name: str, what: str, refs: list[str], hint: str) -> KrateError:
    return KrateError(
        "MIRROR_DIVERGED",
        f"{name} {what} {refs_text(sorted(refs))}",
        hint=f"{hint}; nothing was changed",
        location=escape_ref(min(refs)),
    )
