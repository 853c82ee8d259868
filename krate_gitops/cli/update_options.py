"""What the commands about updates share: where they work, who asks, and the forge that reviewers use."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from krate_gitops.cli.config_write import own_signature
from krate_gitops.cli.opening import open_brain
from krate_gitops.cli.options import jobs_option, ontology_option, repo_argument, root_option
from krate_gitops.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from krate_gitops.cli.invocation import Invocation
    from krate_gitops.memory.brain import Brain
    from krate_gitops.progress import Progress
    from krate_gitops.records.database import Database
    from krate_gitops.updates.desk import Caller, Desk
    from krate_gitops.updates.forges.port import Forge
    from krate_gitops.updates.ledger import Held
    from krate_gitops.updates.repository_policy import RepositoryPolicy

F = TypeVar("F", bound=Callable[..., Any])
FORGES = ("local", "github", "gitlab", "gitea", "forgejo")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SIGNATURE = re.compile(r"(?P<name>[^<>\n]+?)\s*(?:<(?P<address>[^<>\s]*)>)?")
_SHORTEST = 4
_NAME = "amu-"


class Work(NamedTuple):
    """Where and as whom, as it was given."""

    repo: str
    root: str | None
    ontology: Path | None
    actor: str | None
    repository_file: Path | None
    forge: str | None
    forge_api: str | None
    forge_repository: str | None
    forge_token_file: Path | None


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    repo_argument,
    root_option,
    ontology_option,
    jobs_option,
    click.option("--actor", metavar="'NAME <ADDRESS>'", help="Who you are; by GIT_AUTHOR_NAME and _EMAIL without it."),
    click.option(
        "--repository-file",
        "--repository",
        type=_FILE,
        metavar="FILE",
        help="AgentMemoryRepository document with the owner's rules; without it everything is allowed.",
    ),
    click.option("--forge", type=click.Choice(FORGES), help="Kind of forge; found by the address without it."),
    click.option("--forge-api", metavar="URL", help="Address of the forge's interface."),
    click.option("--forge-repository", metavar="OWNER/NAME", help="The repository at the forge."),
    click.option(
        "--forge-token-file",
        type=_FILE,
        metavar="FILE",
        help="File with the token; KRATE_FORGE_TOKEN may hold it instead.",
    ),
)


def work_options(function: F) -> F:
    """``REPO`` and the options that go with it, handed to the command as one ``work: Work``."""

    @functools.wraps(function)
    def call(*arguments: Any, **rest: Any) -> Any:
        work = Work(*(rest.pop(name) for name in Work._fields))
        return function(*arguments, work=work, **rest)

    decorated: Any = call
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    result: F = decorated
    return result


def name_argument(function: F) -> F:
    """``NAME``: a name or the beginning of one; see ``find_update``."""
    return click.argument("name", metavar="NAME")(function)


def desk_of(
    invocation: Invocation, work: Work, listen: Progress, *, agent: str | None = None, needs_forge: bool = False
) -> Desk:
    """The desk of one command. ``agent`` asks in place of the person; ``needs_forge`` opens the forge at once, so that
    what is missing for it is told before anything is kept.

    Raises ``UsageError``: INVALID_REQUEST, CONFIG_INVALID; ``DeniedError(CROSS_ORG_REF_DENIED)``; ``UnavailableError``.
    """
    from krate_gitops.records.database import open_database
    from krate_gitops.updates.desk import desk_at
    from krate_gitops.updates.repository_policy import LOCAL, read_repository_policy

    organization = invocation.settings.organization
    caller = caller_of(work.actor, agent)
    policy = LOCAL
    if work.repository_file is not None:
        policy = read_repository_policy(work.repository_file, organization=organization)
    brain = open_brain(invocation, work.repo, root=work.root, ontology=work.ontology, progress=listen)
    database = open_database(invocation.settings)
    forge = DeferredForge(lambda: _forge(work, brain, database, policy))
    if needs_forge:
        forge.opened()
    return desk_at(brain, database, cast("Forge", forge), policy, caller)


def caller_of(actor: str | None, agent: str | None) -> Caller:
    """Who asks: an agent by its name, else a person. Raises ``UsageError(INVALID_REQUEST)``."""
    from krate_gitops.updates.desk import Caller

    if agent is not None:
        return Caller(kind="Agent", name=agent)
    match = _SIGNATURE.fullmatch((actor or own_signature()).strip())
    if match is None or not match["name"].isprintable():
        raise UsageError("INVALID_REQUEST", "a person is written 'Name <address>'", hint="correct --actor")
    return Caller(kind="User", name=match["name"], address=match["address"] or "")


class DeferredForge:
    """A forge that is opened when something is asked of it: to read what is on record takes no token."""

    def __init__(self, open_it: Callable[[], Forge]) -> None:
        self._open = open_it
        self._forge: Forge | None = None

    def opened(self) -> Forge:
        """The forge itself."""
        if self._forge is None:
            self._forge = self._open()
        return self._forge

    def __getattr__(self, name: str) -> Any:
        return getattr(self.opened(), name)


def _forge(work: Work, brain: Brain, database: Database, policy: RepositoryPolicy) -> Forge:
    from krate_gitops.git.push import Pushed, delete_branch, is_remote
    from krate_gitops.updates.forges.choose import choose_forge, find_token, open_forge
    from krate_gitops.updates.forges.local import LocalForge

    is_elsewhere = is_remote(brain.spec)
    choice = choose_forge(
        location=brain.spec,
        # A copy on this machine has its reviews here, whatever the forge of the original is.
        provider=policy.provider if is_elsewhere else None,
        forge=work.forge,
        api=work.forge_api,
        repository=work.forge_repository,
    )

    def delete(branch: str, expected: str) -> bool:
        done = delete_branch(brain.repository, brain.spec, branch, expected, settings=brain.settings)
        return done is Pushed.DONE

    def local() -> Forge:
        return LocalForge(
            database,
            organization=brain.settings.organization,
            memory_repository=policy.name or brain.repository.name,
            spec=brain.spec,
            settings=brain.settings,
        )

    token = find_token(os.environ, file=work.forge_token_file)
    return open_forge(choice, local=local, token=token, delete=delete if is_elsewhere else None)


def find_update(desk: Desk, name: str) -> Held:
    """The update of a name, or of the only name that begins so; ``amu-`` may be left out.

    Raises ``UnavailableError(NOT_FOUND)``, and ``UsageError(INVALID_REQUEST)`` where several begin so.
    """
    from krate_gitops.updates.ledger import Ledger

    ledger = Ledger(desk)
    whole = name if name.startswith(_NAME) else f"{_NAME}{name}"
    try:
        return ledger.find(whole)
    except UnavailableError as error:
        if error.code != "NOT_FOUND" or len(whole) < len(_NAME) + _SHORTEST:
            raise
        alike = [held for held in ledger.listed(limit=1000) if held.name.startswith(whole)]
        if len(alike) > 1:
            names = ", ".join(held.name for held in alike[:5])
            raise UsageError("INVALID_REQUEST", f"several updates begin so: {names}", hint="write more of it") from None
        if not alike:
            raise
        return alike[0]
