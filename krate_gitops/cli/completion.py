"""``completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.global_options import PROGRAM

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=KrateCommand)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a completion script for a shell.

    \b
    bash:  eval "$(krate-gitops completion bash)"      in ~/.bashrc
    zsh:   eval "$(krate-gitops completion zsh)"       in ~/.zshrc
    fish:  krate-gitops completion fish | source       in config.fish
    """
    from krate_gitops.cli.main import COMPLETION_VARIABLE, cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(cli, {}, PROGRAM, COMPLETION_VARIABLE).source(), nl=False)
