"""``permissions review``: whether a stack may run, from the files of a config repository."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import any_commit
from krate_gitops.cli.options import RefSelection, repo_argument
from krate_gitops.cli.output import fields_table, rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.printable import printable_block

if TYPE_CHECKING:
    from krate_gitops.resources.permissions.request import ReviewRequest
    from krate_gitops.resources.permissions.result import Review

_NO_ORGANIZATION = "local"
"""What the settings say when no organization was named."""


@click.command("review", cls=KrateCommand)
@repo_argument
@click.option("--stack", required=True, help="Name of the AgentStack.")
@click.option("--revision", metavar="REF", help="Commit of REPO to judge; the default branch without it.")
@click.option("--worktree", is_flag=True, help="Judge the files of a checkout, committed or not.")
@click.option("--path", default="", metavar="FOLDER", help="Folder that the source reads; all of REPO without it.")
@click.option("--repository", default="", help="Repository that the agent would work on; any without it.")
@click.option("--ref", default="", help="Ref of that repository; any trusted one without it.")
@click.option("--fork", is_flag=True, help="The code comes from a fork.")
@click.option("--user", default="", help="Who asks.")
@click.option("--group", "groups", multiple=True, help="Team of who asks; may be given several times.")
@click.option("--trigger-source", default="", help="Sort of event that asks, such as ci or manual.")
@click.option("--task-kind", default="", help="Kind of task; that of the stack without it.")
@click.option("--runner-pool", default="", help="Runner pool; that of the stack without it.")
@click.option("--external-gateway", is_flag=True, help="A gateway executes runs, so that no runner account is needed.")
@pass_invocation
def review(
    invocation: Invocation,
    repo: str,
    stack: str,
    revision: str | None,
    worktree: bool,
    path: str,
    repository: str,
    ref: str,
    fork: bool,
    user: str,
    groups: tuple[str, ...],
    trigger_source: str,
    task_kind: str,
    runner_pool: str,
    external_gateway: bool,
) -> int:
    """Say whether a stack of the config repository REPO may be dispatched, and what stands in its way.

    No cluster is asked: native accounts, roles, Secrets and ConfigMaps are taken to be there. What is missing in Git is
    shown as manifests that would mend it. Ends with 1 when the answer is no.
    """
    if worktree and revision is not None:
        raise click.UsageError("--worktree and --revision exclude each other")
    from krate_gitops.resources.permissions.offline import offline_state, organization_with
    from krate_gitops.resources.permissions.policy import ReviewPolicy
    from krate_gitops.resources.permissions.request import Actor, ReviewRequest
    from krate_gitops.resources.permissions.review import review as review_stack
    from krate_gitops.resources.source import open_source

    settings, now = invocation.settings, datetime.now(UTC)
    request = None if worktree else any_commit(RefSelection(revision))
    with progress(invocation):
        opened = open_source(invocation.locate(repo), request=request, path=path, settings=settings, now=now)
        manifests, named = opened.loaded.manifests, settings.organization
        organization = organization_with(manifests, stack) if named == _NO_ORGANIZATION else named
        policy = ReviewPolicy(external_gateway=external_gateway)
        state = offline_state(manifests, organization, now=int(now.timestamp()), policy=policy)
    asked: ReviewRequest = ReviewRequest(
        organization_ref=organization,
        agent_stack=stack,
        repository=repository,
        ref=ref,
        is_fork=fork,
        actor=Actor(user=user, groups=groups),
        trigger_source=trigger_source,
        task_kind=task_kind,
        runner_pool=runner_pool,
    )
    found = review_stack(asked, state)
    show(invocation.output, found, table=_table(found), items=found.reasons)
    return int(found.decision == "denied")


def _table(found: Review) -> str:
    """The decision, why, and what would help."""
    head = fields_table(
        {
            "decision": found.decision,
            "stack": found.agent_stack,
            "organization": found.organization_ref,
            "repository": found.repository,
            "ref": found.ref,
            "trust": found.trust,
            "digest": found.digest,
        }
    )
    rows = [
        ("yes" if one.blocking else "no", one.severity, one.code, f"{one.owner.kind}/{one.owner.name}", one.message)
        for one in found.reasons
    ]
    reasons = f"\n{rows_table(('blocks', 'severity', 'code', 'object', 'reason'), rows)}" if rows else ""
    preview = "---\n".join(found.yaml_preview)
    return head + reasons + (f"\nWhat would help:\n---\n{printable_block(preview)}" if preview else "")
