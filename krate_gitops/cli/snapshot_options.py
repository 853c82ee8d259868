"""What the commands about snapshots share: arguments, the record store, and a snapshot as lines of text."""

from __future__ import annotations

import functools
import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from krate_gitops.cli.opening import open_brain
from krate_gitops.cli.options import ontology_option, root_option
from krate_gitops.cli.output import fields_table

if TYPE_CHECKING:
    from krate_gitops.cli.invocation import Invocation
    from krate_gitops.memory.brain import Brain
    from krate_gitops.memory.recall import Kept
    from krate_gitops.memory.snapshot import AgentMemorySnapshot
    from krate_gitops.progress import Progress
    from krate_gitops.records.database import Database

F = TypeVar("F", bound=Callable[..., Any])


def snapshot_argument(function: F) -> F:
    """``SNAPSHOT``: a name, or a file made by ``snapshot create --out``."""
    return click.argument("reference", metavar="SNAPSHOT")(function)


def acknowledge_option(function: F) -> F:
    """``--acknowledge-known-bad``."""
    return click.option("--acknowledge-known-bad", is_flag=True, help="Use it though it is known to be bad.")(function)


def place_options(function: F) -> F:
    """Where the repository is now, handed to the command as ``repo``, ``root`` and ``ontology``."""
    repo = click.option("--repo", metavar="REPO", help="The repository; where the snapshot was taken without it.")
    return repo(root_option(ontology_option(function)))


def records(invocation: Invocation) -> Database:
    """The record store, made where there is none."""
    from krate_gitops.records.database import open_database

    return open_database(invocation.settings)


def records_if_any(invocation: Invocation) -> Database | None:
    """The record store, where there is one."""
    from krate_gitops.records.location import has_records

    return records(invocation) if has_records(invocation.settings) else None


def recalled(invocation: Invocation, reference: str) -> Kept:
    """The snapshot an argument means. A reference into another organisation is refused, and that is recorded."""
    from krate_gitops.memory.recall import recall

    with denials_on_record(invocation):
        return recall(records_if_any(invocation), reference, invocation.settings.organization)


def usable(invocation: Invocation, reference: str) -> Kept:
    """The snapshot an argument means, to be told again or built on: a file must hold it as it was made."""
    from krate_gitops.memory.verify import require_whole

    kept = recalled(invocation, reference)
    require_whole(kept)
    return kept


def released(invocation: Invocation, reference: str, acknowledged: bool) -> Kept:
    """The snapshot an argument means, to be given to an agent: not while it is known to be bad, unless somebody says
    that they know, and that is recorded.
    """
    from krate_gitops.memory.keep import refuse_known_bad
    from krate_gitops.memory.trail import record_acknowledgement

    kept = usable(invocation, reference)
    is_bad = kept.snapshot.status.known_bad is not None
    refuse_known_bad(is_bad, acknowledged, location=kept.snapshot.metadata.name)
    if is_bad:
        record_acknowledgement(records(invocation), kept.snapshot, actor())
    return kept


def denials_on_record(invocation: Invocation) -> AbstractContextManager[None]:
    """Within it, a refused reference to a snapshot of another organisation is recorded."""
    from krate_gitops.memory.trail import denials_recorded
    from krate_gitops.records.audit_record import Actor

    return denials_recorded(invocation.settings, Actor(kind="User", name=actor()))


def reopened(
    invocation: Invocation, kept: Kept, repo: str | None, root: str | None, ontology: Path | None, progress: Progress
) -> Brain:
    """A brain that has the commit of a snapshot."""
    from krate_gitops.memory.reopen import reopen

    spec = None if repo is None else invocation.locate(repo)
    return reopen(kept, settings=invocation.settings, spec=spec, root=root, ontology=ontology, progress=progress)


def opened_anew(
    invocation: Invocation, kept: Kept, repo: str | None, root: str | None, ontology: Path | None, progress: Progress
) -> Brain:
    """The brain a snapshot was taken of, as it is now. A file does not say where that is."""
    if not (repo or kept.origin.location):
        raise click.UsageError("name the repository with --repo: a file does not say where it is")
    recorded = Path(kept.origin.ontology) if kept.origin.ontology else None
    return open_brain(
        invocation,
        repo or kept.origin.location,
        root=root or kept.origin.root,
        ontology=ontology or recorded,
        progress=progress,
    )


@functools.cache
def actor() -> str:
    """Who uses this command line."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def snapshot_table(snapshot: AgentMemorySnapshot) -> str:
    """The facts of a snapshot, a line each."""
    spec, status = snapshot.spec, snapshot.status
    return fields_table(
        {
            "snapshot": snapshot.metadata.name,
            "repository": spec.memory_repository,
            "commit": spec.resolved_commit,
            "requested": spec.requested_at or spec.requested_ref,
            "created": status.created_at,
            "selected": ", ".join(
                f"{count} {noun}{'' if count == 1 else 's'}"
                for count, noun in (
                    (spec.record_count, "record"),
                    (spec.excerpt_count, "excerpt"),
                    (spec.document_count, "document"),
                    (spec.bytes, "byte"),
                )
            ),
            "digest": status.digest,
            "run": spec.dispatch_run,
            "known bad": None if status.known_bad is None else status.known_bad.reason,
        }
    )
