"""``agents samples show``: one sample, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._samples._options import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("show")
@click.argument("sample", metavar="ID")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(sample: str, folder: Path | None, *, as_json: bool) -> None:
    """Show a sample: what came in, what left, what happened in between, what people say of it.

    ID is its run's, or how that begins.
    """
    from headrace_cli._plugins import print_json
    from headrace_cli._samples._desk import Desk
    from headrace_cli._samples._shown import whole

    desk = Desk.of(folder)
    one = desk.one(sample, desk.judged())
    if as_json:
        data = one.sample.model_dump(mode="json")
        said = [each.model_dump(mode="json") for each in one.verdicts]
        print_json({**data, "said": one.said or None, "verdicts": said})
        return
    for line in whole(one):
        click.echo(line)
