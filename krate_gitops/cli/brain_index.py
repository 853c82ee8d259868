"""``brain index``: builds or completes the index of a commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import any_commit, open_brain
from krate_gitops.cli.options import (
    RefSelection,
    jobs_option,
    ontology_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.index.build import Built

PHASES = ("list", "read", "parse", "validate", "index", "write")


@click.command("index", cls=KrateCommand)
@repo_argument
@ref_options
@root_option
@ontology_option
@jobs_option
@click.option("--force", is_flag=True, help="Build every shard anew.")
@pass_invocation
def index(
    invocation: Invocation,
    repo: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    force: bool,
) -> None:
    """Build or complete the index of a commit."""
    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        target = brain.target(brain.resolve(any_commit(selection)).resolved_commit)
        built = brain.builder.build(target, force=force, progress=listen)
    fields = _fields(built)
    shards = fields["shards"]
    shown = {**fields, "shards": f"{shards['total']} ({shards['built']} built, {shards['reused']} reused)"}
    del shown["phases"]
    show(invocation.output, fields, table=fields_table(shown))


def _fields(built: Built) -> dict[str, Any]:
    manifest, stats = built.manifest, built.stats
    return {
        "repository": manifest.repository,
        "commit": manifest.commit,
        "indexDigest": manifest.index_digest,
        "ontologyDigest": manifest.ontology_digest,
        "sourceDigest": manifest.source_digest,
        "documents": manifest.documents,
        "records": manifest.records,
        "edges": sum(shard.edges for shard in manifest.shards),
        "parseErrors": sum(shard.parse_errors for shard in manifest.shards),
        "shards": {"total": stats.total, "built": stats.built, "reused": stats.reused},
        "bytes": sum(shard.bytes for shard in manifest.shards),
        "durationMs": stats.duration_ms,
        "phases": {phase: stats.phases.get(phase, 0) for phase in PHASES},
    }
