"""``agents samples export``: samples with their verdicts, a line of JSON each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError
from headrace_cli._samples._options import FOLDER, filtering, wanted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("export")
@FOLDER
@filtering
@click.option("-o", "--output", type=click.Path(), help="The file to write; - for stdout.")
@click.option("--records", is_flag=True, help="With what happened in each run.")
def command(folder: Path | None, output: str | None, *, records: bool, **typed: Any) -> None:
    """Write samples with their verdicts as JSON lines: for tests, evaluations, training.

    Each has `input`, `outputs`, `said` (good, bad, disputed or null), `verdicts` and whose run it
    was.
    """
    from headrace_cli._samples._desk import Desk

    found = wanted(Desk.of(folder).judged(), typed)
    leave_out = set() if records else {"records"}
    lines = [
        json.dumps(
            {
                **one.sample.model_dump(mode="json", exclude=leave_out),
                "said": one.said or None,
                "verdicts": [each.model_dump(mode="json") for each in one.verdicts],
            },
            ensure_ascii=False,
        )
        + "\n"
        for one in found
    ]
    try:
        with click.open_file(output or "-", "w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise CommandError(f"{output} cannot be written", why=str(error)) from None
    click.echo(f"{len(lines):,} samples", err=True)
