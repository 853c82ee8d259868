"""Whose approval an update needs, and which of it is still missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from krate_gitops.updates.model import UpdateSpec
from krate_gitops.updates.repository_policy import RepositoryPolicy
from krate_gitops.updates.rights import ENTRYPOINT, Area, area_of
from krate_gitops.updates.touched import RecordState

_SIGNATURE = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")


class Requirement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An approval that is needed: ``kind`` is ``approval``, ``owner``, ``memory-owner`` or ``extra-reviewer``.

    ``people`` are those who can give it; empty for anybody who may approve. ``count`` of them have to.
    """

    kind: str
    subject: str = ""
    people: tuple[str, ...] = ()
    count: int = 1


def required_reviews(
    spec: UpdateSpec,
    policy: RepositoryPolicy,
    *,
    before: Mapping[str, RecordState],
    after: Mapping[str, RecordState],
    members: Mapping[str, tuple[str, ...]],
    has_waivers: bool,
    extra_reviewers: int = 0,
) -> tuple[Requirement, ...]:
    """The reviews of an update.

    ``before`` are the records it touches, at its base: their owners count, not those it brings. ``members`` names the
    people of teams. ``has_waivers`` says that something of it is wrong unless a memory owner allows it.
    """
    found = [Requirement(kind="approval", count=1 + extra_reviewers)]
    if spec.validation_policy.require_owner_review or spec.proposer.kind == "Agent":
        found += [
            Requirement(kind="owner", subject=record.id, people=people)
            for record in before.values()
            if (people := _people(record.owners, members))
        ]
    owners = policy.memory_owners or ()
    memory_owners = _people(owners, members) or owners
    if memory_owners and any(ENTRYPOINT in (item.path, item.target) for item in spec.changes):
        # What every run is told belongs to nobody's record, so it belongs to the memory owners.
        found.append(Requirement(kind="owner", subject=ENTRYPOINT, people=memory_owners))
    if has_waivers or _needs_memory_owner(spec, before, after):
        found.append(Requirement(kind="memory-owner", people=memory_owners))
    return tuple(found)


def _needs_memory_owner(spec: UpdateSpec, before: Mapping[str, RecordState], after: Mapping[str, RecordState]) -> bool:
    is_import = spec.proposer.kind == "Controller" and (spec.source_run or "").startswith("import-")
    areas = {area_of(path) for item in spec.changes for path in (item.path, item.target)}
    if Area.ONTOLOGY in areas or (Area.RUN_MEMORY in areas and not is_import):
        return True
    return any(
        old.status == "deprecated" and (new := after.get(id)) is not None and new.status == "approved"
        for id, old in before.items()
    )


def _people(owners: Iterable[str], members: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The people that owners stand for. A team whose members nobody knows stands for none."""
    found: dict[str, None] = {}
    for owner in owners:
        if owner in members:
            found |= dict.fromkeys(members[owner])
        elif not owner.startswith("team:"):
            found[owner] = None
    return tuple(found)


def outstanding(requirements: Sequence[Requirement], approvers: Iterable[str]) -> tuple[Requirement, ...]:
    """The requirements that these approvers don't meet."""
    people = tuple(dict.fromkeys(approvers))
    missing = []
    for one in requirements:
        matching = [who for who in people if not one.people or is_one_of(who, one.people)]
        if len(_different(matching)) < one.count:
            missing.append(one)
    return tuple(missing)


def _different(people: Iterable[str]) -> list[str]:
    """Who approves here and at the forge, by two names, is one person."""
    found: list[str] = []
    for who in people:
        if not is_one_of(who, found):
            found.append(who)
    return found


def is_one_of(actor: str, people: Iterable[str]) -> bool:
    """Whether somebody, as ``Name``, ``login`` or ``Name <address>``, is among people as brains and policies name them.

    Names are compared without regard to case and to the difference of spaces and dashes; a prefix such as ``user:``
    doesn't count. An address only equals itself.
    """
    names = _names_of(actor)
    return any(_names_of(one.rpartition(":")[2] if ":" in one.partition("<")[0] else one) & names for one in people)


def _names_of(text: str) -> frozenset[str]:
    match = _SIGNATURE.fullmatch(text.strip())
    parts = (match["name"], match["address"]) if match else (text,)
    return frozenset(_slug(part) for part in parts if part.strip())


def _slug(text: str) -> str:
    return re.sub(r"[\s_-]+", "-", text.strip().casefold())
