"""``snapshot show``: one snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import place_options, recalled, reopened, snapshot_argument, snapshot_table
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.memory.blame import Blame
    from krate_gitops.memory.material import Item
    from krate_gitops.memory.recall import Kept


@click.command("show", cls=KrateCommand)
@snapshot_argument
@place_options
@click.option("--blame", is_flag=True, help="Say of every item which commit and update last changed it.")
@click.option("--content", is_flag=True, help="Add what was selected, as it was stored.")
@pass_invocation
def show_snapshot(
    invocation: Invocation,
    reference: str,
    repo: str | None,
    root: str | None,
    ontology: Path | None,
    blame: bool,
    content: bool,
) -> None:
    """Show a snapshot and what it selected."""
    from krate_gitops.encoding import plain

    if not blame and (repo, root, ontology) != (None, None, None):
        raise click.UsageError("--repo, --root and --ontology say where --blame looks: give it too")
    kept = recalled(invocation, reference)
    value: dict[str, Any] = plain(kept.snapshot)
    table = f"{snapshot_table(kept.snapshot)}\n{_items(kept)}"
    if content:
        value["content"] = plain(kept.material)
    if blame:
        from krate_gitops.memory.blame import blame as find_blame

        with progress(invocation) as listen:
            brain = reopened(invocation, kept, repo, root, ontology, listen)
            found = brain.read(kept.snapshot.spec.resolved_commit, lambda opened: find_blame(opened, kept.material))
        value["blame"] = plain(found)
        table = f"{snapshot_table(kept.snapshot)}\n{_blamed(found)}"
    if content:
        table += "".join(_content(item) for item in kept.material.items())
    show(invocation.output, value, table=table)


def _content(item: Item) -> str:
    """What was told of an item."""
    from krate_gitops.memory.replay import item_key

    text = getattr(item, "text", None) or getattr(item, "summary", None) or getattr(item, "title", None) or ""
    return f"\n{item.rank}. {printable(item_key(item))}\n{printable_block(text)}\n"


def _items(kept: Kept) -> str:
    from krate_gitops.memory.material import source_kind
    from krate_gitops.memory.replay import item_key

    rows = [(item.rank, source_kind(item), item_key(item), item.path) for item in kept.material.items()]
    return rows_table(("rank", "kind", "item", "path"), rows)


def _blamed(found: list[Blame]) -> str:
    rows = [
        (one.rank, one.item, (one.commit or "")[:12], one.time, one.author, one.update or "", one.message)
        for one in found
    ]
    return rows_table(("rank", "item", "commit", "time", "author", "update", "message"), rows)
