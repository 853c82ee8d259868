"""``mcp``: the memory tools for coding agents."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.consumer_options import consumer_options
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import WORDS, RefSelection, jobs_option, policy_option, ref_options
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import acknowledge_option, place_options, released, reopened
from krate_gitops.errors import UsageError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from krate_gitops.memory.request import Consumer
    from krate_gitops.progress import Progress
    from krate_gitops.server.mcp.http import Access
    from krate_gitops.server.mcp.pin import Pin
    from krate_gitops.server.mcp.serve import Options
    from krate_gitops.server.mcp.tools.propose import Proposing

KINDS = ("proposed-pr", "review-branch", "patch-artifact")
TOKEN_VARIABLE = "KRATE_TOKEN"  # noqa: S105 - the name of one
_LEAST_TOKEN = 16
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound
_LARGEST = 1 << 30


class Address(click.ParamType[tuple[str, int]]):
    """``[HOST:]PORT``; the loopback address without a host."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = value.rpartition(":")
        if not port.isdecimal() or int(port) > 65_535:
            self.fail(f"{value!r} is no [HOST:]PORT", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


@click.command("mcp", cls=KrateCommand)
@click.option("--snapshot", metavar="NAME", help="Pin the commit of this snapshot, under its policy.")
@place_options
@acknowledge_option
@ref_options
@policy_option
@consumer_options
@jobs_option
@click.option("--http", type=Address(), metavar="[HOST:]PORT", help="Serve HTTP instead of standard input and output.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Bearer tokens that HTTP clients must show, one a line; KRATE_TOKEN may hold one instead.",
)
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="Host name HTTP clients use (repeatable).")
@click.option(
    "--tool-names",
    type=click.Choice(("underscored", "dotted")),
    default="underscored",
    show_default=True,
    help="Names on the wire; several clients refuse dotted ones.",
)
@click.option(
    "--max-bytes", type=click.IntRange(4096, _LARGEST), default=64_000, show_default=True, help="Room for one answer."
)
@click.option(
    "--max-matches", type=click.IntRange(1, 200), default=25, show_default=True, help="Items or matches of one answer."
)
@click.option("--max-calls", type=click.IntRange(1), default=200, show_default=True, help="Calls of one client.")
@click.option(
    "--max-total-bytes",
    type=click.IntRange(4096, _LARGEST),
    default=1 << 20,
    show_default=True,
    help="Room for all answers to one client.",
)
@click.option("--allow-propose", is_flag=True, help="Grant the tool that proposes updates; people review them.")
@click.option("--agent", type=WORDS, metavar="NAME", help="The agent that proposes; that of --stack without it.")
@click.option("--run", type=WORDS, metavar="NAME", help="The run it proposes for; that of --snapshot without it.")
@click.option("--initiator", type=WORDS, metavar="NAME", help="Who started the run, and so doesn't approve.")
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="How updates are carried.")
@click.option(
    "--repository-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="AgentMemoryRepository document with the owner's rules for updates.",
)
@pass_invocation
def mcp(
    invocation: Invocation,
    snapshot: str | None,
    repo: str | None,
    root: str | None,
    ontology: Path | None,
    acknowledge_known_bad: bool,
    selection: RefSelection,
    policy: Path | None,
    consumer: Consumer,
    http: tuple[str, int] | None,
    token_file: Path | None,
    hosts: tuple[str, ...],
    tool_names: str,
    max_bytes: int,
    max_matches: int,
    max_calls: int,
    max_total_bytes: int,
    allow_propose: bool,
    agent: str | None,
    run: str | None,
    initiator: str | None,
    kind: str,
    repository_file: Path | None,
) -> None:
    """Serve the memory tools to a coding agent, pinned to one commit.

    The commit is that of --snapshot, or what the other options mean in --repo when the server starts.

    Speaks the Model Context Protocol over standard input and output, or with --http over streamable HTTP. A client is
    whoever is at the other end of the pipe; over HTTP, whoever shows the same token.

    Nothing is written to the brain. With --allow-propose clients can propose updates, which are kept on record until
    `update refresh` shows them to their reviewers.
    """
    from krate_gitops.server.mcp.budget import Limits
    from krate_gitops.server.mcp.serve import Options

    options = Options(
        limits=Limits(call_bytes=max_bytes, call_matches=max_matches, calls=max_calls, total_bytes=max_total_bytes),
        dotted=tool_names == "dotted",
        proposing=_proposing(invocation, agent or consumer.stack, run, initiator, kind, repository_file)
        if allow_propose
        else None,
    )

    def pin(listen: Progress) -> Pin:
        import msgspec

        from krate_gitops.memory.keep import refuse_known_bad
        from krate_gitops.server.mcp.pin import pin_ref, pin_snapshot

        if snapshot is None:
            rights = policy_for(invocation, policy, consumer)
            brain = open_brain(invocation, repo or "", root=root, ontology=ontology, progress=listen)
            pinned = pin_ref(brain, selection.request(), rights, consumer)
            is_bad = pinned.resolution.known_bad
            refuse_known_bad(is_bad, acknowledge_known_bad, location=pinned.commit)
            return msgspec.structs.replace(pinned, acknowledges_known_bad=is_bad)
        kept = released(invocation, snapshot, acknowledge_known_bad)
        who = kept.material.request.consumer if consumer == type(consumer)() else consumer
        brain = reopened(invocation, kept, repo, root, ontology, listen)
        return pin_snapshot(kept, brain, policy_for(invocation, policy, who), who)

    if snapshot is None and repo is None:
        raise click.UsageError("name a brain with --repo, or a snapshot with --snapshot")
    if snapshot is not None and selection != RefSelection():
        raise click.UsageError("--snapshot has a commit, so it takes no --ref, --at or --snapshot-tag")
    if http is None and (token_file is not None or hosts):
        raise click.UsageError("--token-file and --allow-host are for --http")
    with progress(invocation) as listen:
        if http is None:
            _over_stdio(lambda: pin(listen), options)
        else:
            _over_http(lambda: pin(listen), options, *http, access=_access(http[0], hosts, token_file))


def _proposing(
    invocation: Invocation, agent: str | None, run: str | None, initiator: str | None, kind: str, file: Path | None
) -> Proposing:
    """As whom clients propose. Raises ``UsageError``."""
    from krate_gitops.server.mcp.tools.propose import Proposing
    from krate_gitops.updates.model import UpdateKind
    from krate_gitops.updates.repository_policy import LOCAL, read_repository_policy

    if agent is None:
        raise click.UsageError("--allow-propose takes --agent, or --stack: somebody proposes")
    organization = invocation.settings.organization
    policy = LOCAL if file is None else read_repository_policy(file, organization=organization)
    return Proposing(agent=agent, run=run, initiator=initiator, kind=UpdateKind(kind), policy=policy)


def _over_stdio(pin: Callable[[], Pin], options: Options) -> None:
    from krate_gitops.server.mcp.serve import serve
    from krate_gitops.server.mcp.stdio import claimed_wire, serve_stdio

    with claimed_wire() as wire:
        serve(pin(), options, lambda server: serve_stdio(server, wire))


def _over_http(pin: Callable[[], Pin], options: Options, host: str, port: int, *, access: Access) -> None:
    from krate_gitops.server.mcp.http import PATH, listen, serve_http
    from krate_gitops.server.mcp.serve import serve

    with listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host

        def run(server: Server[Any]) -> None:
            click.echo(f"serving http://{name}:{listening.getsockname()[1]}{PATH}", err=True)
            serve_http(server, listening, access)

        serve(pin(), options, run)


def _access(host: str, hosts: tuple[str, ...], token_file: Path | None) -> Access:
    """Who may ask. Raises ``UsageError(CONFIG_INVALID)`` where everybody on a network could."""
    from krate_gitops.server.mcp.http import LOOPBACK, Access

    tokens = _tokens(token_file)
    if host not in LOOPBACK and not tokens:
        raise UsageError(
            "CONFIG_INVALID",
            f"{host} can be reached by others, so clients must show a token",
            hint=f"give --token-file, or set {TOKEN_VARIABLE}; or leave the host out",
        )
    names = {*LOOPBACK, *(name.lower() for name in hosts), *(() if host in _WILDCARDS else (host.lower(),))}
    return Access(hosts=frozenset(names), any_address=host in _WILDCARDS, tokens=tokens)


def _tokens(file: Path | None) -> tuple[str, ...]:
    if file is None:
        text, place = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
    else:
        text, place = file.read_text(encoding="utf-8", errors="replace"), str(file)
    tokens = tuple(line.strip() for line in text.splitlines() if line.strip())
    if any(len(token) < _LEAST_TOKEN or not token.isascii() for token in tokens) or (file and not tokens):
        raise UsageError(
            "CONFIG_INVALID",
            f"a token has at least {_LEAST_TOKEN} ASCII characters",
            hint="make one with `openssl rand -hex 32`",
            location=place,
        )
    return tokens
