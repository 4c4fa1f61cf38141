"""``agents completion``: the script that teaches a shell to complete ``agents``."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash:  eval "$(agents completion bash)"                    in ~/.bashrc
    zsh:   eval "$(agents completion zsh)"                     in ~/.zshrc
    fish:  agents completion fish > ~/.config/fish/completions/agents.fish
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    if completion is None:  # pragma: no cover - click knows all three
        raise click.UsageError(f"click has no completion for {shell}")
    script = completion(ctx.find_root().command, {}, "agents", "_AGENTS_COMPLETE")
    # `source` asks the shell for its version and refuses old ones; the text itself needs neither.
    click.echo(script.source_template % script.source_vars())
