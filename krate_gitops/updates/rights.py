"""Which paths of a brain a proposer may change, and whose review that needs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

import msgspec

from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import FileClass
from krate_gitops.updates.model import Action, Proposer, UpdateKind

ENTRYPOINT = "babysitter/MEMORY.md"
Classify = Callable[[str], FileClass]
"""The class of a path below the memory root; a foreign brain has classes of its own."""

_STRAYS = (FileClass.UNCLASSIFIED, FileClass.IGNORED)


class Area(enum.Enum):
    """Parts of a brain with rules of their own."""

    CONTENT = enum.auto()
    """Records, notes, pages, MEMORY.md, retrospectives, process notes."""
    ONTOLOGY = enum.auto()
    RUN_MEMORY = enum.auto()
    DERIVED = enum.auto()
    OUTSIDE = enum.auto()
    """What is no part of a brain, such as code beside one that fills a repository."""


class Right(msgspec.Struct, frozen=True):
    """Whether a change is allowed, why not, and whether a memory owner has to look at it."""

    allowed: bool
    reason: str = ""
    memory_owner: bool = False


def area_of(path: str, classify: Classify = classify) -> Area:
    """The area of a path below the memory root."""
    if path.startswith("ontology/"):
        return Area.ONTOLOGY
    if path.startswith("indexes/"):
        return Area.DERIVED
    if path.startswith(("babysitter/runs/", "babysitter/sessions/")):
        return Area.RUN_MEMORY
    return Area.OUTSIDE if classify(path) in _STRAYS else Area.CONTENT


def right_to(
    path: str,
    action: Action,
    *,
    proposer: Proposer,
    kind: UpdateKind = UpdateKind.PROPOSED_PR,
    is_import: bool = False,
    trusted: Iterable[str] = (),
    may_change_ontology: bool = True,
    classify: Classify = classify,
) -> Right:
    """What a proposer may do with a path. ``trusted`` names workflows that the repository's owner trusts."""
    is_agent = proposer.kind == "Agent"
    area = area_of(path, classify)
    if area is Area.OUTSIDE and (is_agent or kind is not UpdateKind.REVERT):
        return Right(False, "this is no place for records, notes or pages of a brain")
    if area is Area.DERIVED:
        return Right(False, "derived files are written by merging alone")
    if area is Area.ONTOLOGY:
        if is_agent:
            return Right(False, "agents don't change the ontology")
        if not may_change_ontology:
            return Right(False, "this needs memory.ontology.manage")
        return Right(True, memory_owner=True)
    if area is Area.RUN_MEMORY:
        if is_import:
            return Right(True)
        if kind is UpdateKind.TRUSTED_MAINTENANCE and proposer.name in trusted:
            return Right(True, memory_owner=True)
        if is_agent:
            return Right(False, "run memory comes by import alone")
        if action in (Action.DELETE, Action.UPDATE) or kind is UpdateKind.REVERT:
            return Right(True, memory_owner=True)
        return Right(False, "run memory is only deleted or redacted by hand")
    return Right(True)
