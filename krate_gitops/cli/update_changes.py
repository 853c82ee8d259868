"""Options that say what shall change and why, and the proposal they make."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
import msgspec

from krate_gitops.cli.opening import any_commit
from krate_gitops.cli.options import WORDS, RefSelection, Words
from krate_gitops.errors import DeniedError, UsageError

if TYPE_CHECKING:
    from krate_gitops.updates.desk import Desk
    from krate_gitops.updates.model import Evidence, ValidationPolicy
    from krate_gitops.updates.request import Proposal, ProposedChange

F = TypeVar("F", bound=Callable[..., Any])
KINDS = ("proposed-pr", "review-branch", "patch-artifact", "trusted-maintenance")
LONG_TEXT = Words(4000)
_EVIDENCE = re.compile(r"(?P<kind>[^:@\s]+):(?P<ref>.+?)(?:@(?P<digest>sha256:[0-9a-f]{64}))?", re.DOTALL)


class Asked(NamedTuple):
    """What shall change, as it was given."""

    paths: tuple[str, ...]
    source: str | None
    put: tuple[str, ...]
    delete: tuple[str, ...]
    rename: tuple[str, ...]
    worktree: bool
    reason: str | None
    rationale: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said that changes anything."""
        return not (self.paths or self.source or self.put or self.delete or self.rename or self.worktree)


class Terms(NamedTuple):
    """Who proposes, from where, and how, as it was given."""

    evidence: tuple[str, ...]
    run: str | None
    agent: str | None
    initiator: str | None
    kind: str | None
    target: str | None
    observed: str | None
    base: str | None


NO_TERMS = Terms((), None, None, None, None, None, None, None)
_CHANGES = (
    click.argument("paths", nargs=-1, metavar="[PATH]..."),
    click.option("--from", "source", metavar="FILE|DIR|-", help="Document with changes, or folder of files."),
    click.option("--put", multiple=True, metavar="PATH=@FILE", help="Create or replace a file (repeatable)."),
    click.option("--delete", multiple=True, metavar="PATH", help="Delete a file (repeatable)."),
    click.option("--rename", multiple=True, metavar="OLD=NEW", help="Move a file (repeatable)."),
    click.option("--worktree", is_flag=True, help="What the checkout has and its commit has not."),
    click.option("--reason", type=Words(500), metavar="TEXT", help="Why, in a line; that of --rationale without it."),
    click.option("--rationale", type=LONG_TEXT, metavar="TEXT", help="Why, at length."),
)
_TERMS = (
    click.option("--evidence", multiple=True, metavar="KIND:REF[@DIGEST]", help="What supports it (repeatable)."),
    click.option("--run", type=WORDS, metavar="NAME", help="The run it comes from."),
    click.option("--agent", type=WORDS, metavar="NAME", help="The agent that proposes it; you without it."),
    click.option("--initiator", type=WORDS, metavar="NAME", help="Who started the run."),
    click.option("--kind", type=click.Choice(KINDS), help="How it is carried; proposed-pr without it."),
    click.option("--target", metavar="BRANCH", help="Another branch than the default one, where that is allowed."),
    click.option("--observed", metavar="COMMIT", help="The commit that was read before; the run's snapshot knows it."),
    click.option("--base", metavar="COMMIT", help="The commit the branch starts at; the target's tip without it."),
)


def change_options(function: F) -> F:
    """``[PATH]...`` and the options about what changes, handed to the command as one ``asked: Asked``."""
    return _grouped(function, _CHANGES, Asked, "asked")


def term_options(function: F) -> F:
    """The options about who proposes and from where, handed to the command as one ``terms: Terms``."""
    return _grouped(function, _TERMS, Terms, "terms")


def _grouped(function: F, options: Any, kind: Any, name: str) -> F:
    @functools.wraps(function)
    def call(*arguments: Any, **rest: Any) -> Any:
        value = kind(*(rest.pop(field) for field in kind._fields))
        return function(*arguments, **{name: value}, **rest)

    decorated: Any = call
    for option in reversed(options):
        decorated = option(decorated)
    result: F = decorated
    return result


class Gathered(NamedTuple):
    """Everything that was said: the changes with their reasons, the document's fields, and what was checked out."""

    changes: tuple[ProposedChange, ...]
    fields: Mapping[str, Any]
    rationale: str
    observed: str | None


def gather(desk: Desk, asked: Asked, source: Any = None, *, default: str = "") -> Gathered:
    """The changes of the options, of a document and of a checkout. ``source`` is a document that was read before;
    ``default`` the reason of changes that have none.

    Raises ``UsageError(INVALID_REQUEST)``.
    """
    from krate_gitops.cli import update_files as files
    from krate_gitops.updates.model import Action
    from krate_gitops.updates.request import ProposedChange

    if asked.is_empty:
        raise click.UsageError("say what shall change: --from, --put, --delete, --rename, --worktree or PATHs")
    written = source if source is not None else written_in(asked)
    changes = [*written.changes, *map(files.put, asked.put), *map(files.rename, asked.rename)]
    changes += [ProposedChange(path=path, action=Action.DELETE) for path in asked.delete]
    observed = None
    if asked.worktree or asked.paths:
        observed, here = files.checkout_changes(desk, asked.paths)
        changes += here
    rationale = asked.rationale if asked.rationale is not None else _text(written.fields, "rationale") or ""
    reason = asked.reason or rationale.strip().partition("\n")[0].strip()[:500] or default
    reasoned = (one if one.reason else msgspec.structs.replace(one, reason=reason) for one in changes)
    return Gathered(tuple(reasoned), written.fields, rationale, observed)


def written_in(asked: Asked) -> Any:
    """The document that ``--from`` names, read."""
    from krate_gitops.cli import update_files as files

    return files.Written({}, ()) if asked.source is None else files.read_source(asked.source)


def agent_of(terms: Terms, fields: Mapping[str, Any]) -> str | None:
    """Name of the agent that proposes: by the option, or by the document's proposer.

    Raises ``UsageError(INVALID_REQUEST)`` for a proposer of another kind than Agent and User.
    """
    proposer = fields.get("proposer")
    if terms.agent is not None or proposer is None:
        return terms.agent
    kind, name = (proposer.get(key) for key in ("kind", "name")) if isinstance(proposer, dict) else (None, None)
    if kind not in ("Agent", "User") or not isinstance(name, str) or not name:
        raise UsageError("INVALID_REQUEST", "a proposer has kind (Agent or User) and name", location="proposer")
    return name if kind == "Agent" else None


def proposal_of(desk: Desk, gathered: Gathered, terms: Terms) -> Proposal:
    """The proposal; what an option says counts more than what the document says.

    Raises ``UsageError(INVALID_REQUEST)``, ``DeniedError(CROSS_ORG_REF_DENIED)``.
    """
    from krate_gitops.updates.model import Proposer, UpdateKind
    from krate_gitops.updates.request import Proposal

    fields = gathered.fields
    _check_place(desk, fields)
    kind = terms.kind or _text(fields, "updateKind") or "proposed-pr"
    if kind not in KINDS:
        raise UsageError("INVALID_REQUEST", f"updateKind is one of {', '.join(KINDS)}", hint="see `update revert` too")
    return Proposal(
        changes=gathered.changes,
        proposer=Proposer(desk.caller.kind, desk.caller.name),
        rationale=gathered.rationale,
        evidence=_evidence(terms, fields),
        source_run=terms.run or _text(fields, "sourceRun"),
        update_kind=UpdateKind(kind),
        target_branch=terms.target or _text(fields, "targetBranch"),
        base_commit=_commit(desk, terms.base or _text(fields, "baseCommit")),
        observed_commit=_commit(desk, terms.observed or _text(fields, "observedCommit")) or gathered.observed,
        validation_policy=_policy(fields),
        initiator=terms.initiator or _text(fields, "initiator"),
    )


def _check_place(desk: Desk, fields: Mapping[str, Any]) -> None:
    organization = _text(fields, "organizationRef")
    if organization is not None and organization != desk.organization:
        raise DeniedError("CROSS_ORG_REF_DENIED", "the document is of another organization", hint="give --org")
    repository = _text(fields, "memoryRepository")
    if repository is not None and repository != desk.repository_name:
        raise UsageError(
            "INVALID_REQUEST",
            f"the document is about another memory repository than {desk.repository_name}",
            hint="a repository has the name of its AgentMemoryRepository (--repository-file), else of its folder",
        )


def _commit(desk: Desk, ref: str | None) -> str | None:
    return None if ref is None else desk.brain.resolve(any_commit(RefSelection(ref))).resolved_commit


def _evidence(terms: Terms, fields: Mapping[str, Any]) -> tuple[Evidence, ...]:
    from krate_gitops.updates.model import Evidence

    try:
        found = msgspec.convert(list(fields.get("evidence") or ()), list[Evidence])
    except (msgspec.ValidationError, TypeError):
        raise UsageError("INVALID_REQUEST", "evidence is a list of maps with kind, ref and digest") from None
    for text in terms.evidence:
        match = _EVIDENCE.fullmatch(text)
        if match is None:
            raise click.UsageError("--evidence takes KIND:REF, and perhaps @sha256:… behind it")
        found.append(Evidence(kind=match["kind"], ref=match["ref"], digest=match["digest"]))
    return tuple(found)


def _policy(fields: Mapping[str, Any]) -> ValidationPolicy:
    from krate_gitops.updates.model import ValidationPolicy

    given = fields.get("validationPolicy")
    try:
        return ValidationPolicy() if given is None else msgspec.convert(given, ValidationPolicy)
    except msgspec.ValidationError as error:
        raise UsageError("INVALID_REQUEST", str(error), location="validationPolicy") from None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError("INVALID_REQUEST", f"{name} is text", hint="write it in quotes", location=name)
    return value or None
