"""What the commands of a registry's keeper share: options, the signer, progress, the report."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace_registry.site import BuildReport
    from headrace_registry.trust import Signer

__all__ = [
    "accept",
    "dry_run",
    "existing_site",
    "json_output",
    "keys",
    "progress",
    "signer_of",
    "tell",
]

_SITE = click.Path(exists=True, file_okay=False, path_type=Path)
_KEYS = click.Path(exists=True, file_okay=False, path_type=Path)

existing_site = click.argument("site", type=_SITE)
keys = click.option(
    "--keys",
    type=_KEYS,
    metavar="DIR",
    envvar="HEADRACE_SIGNING_KEYS",
    help="Sign with the keys in this folder. A registry that is signed needs it. "
    "Default: $HEADRACE_SIGNING_KEYS.",
)
accept = click.option(
    "--accept",
    multiple=True,
    metavar="RULE",
    help="Take wheels with high findings of this rule of the audit; may be repeated.",
)
dry_run = click.option(
    "--dry-run", is_flag=True, help="Check all, say what would be, and write nothing."
)
json_output = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def signer_of(folder: Path | None) -> Signer | None:
    """The signer of a folder of keys; ``None`` without one."""
    if folder is None:
        return None
    from headrace_registry.trust import KeySigner

    return KeySigner.from_folder(folder)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr, where that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def moved(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield moved


def tell(site: Path, report: BuildReport, *, as_json: bool, dry_run: bool, **more: Any) -> None:
    """Prints what became of a registry."""
    if as_json:
        import json

        data = {"site": str(site), "written": not dry_run, **asdict(report), **more}
        click.echo(json.dumps(data, indent=2))
        return
    for name in report.added:
        click.echo(f"added    {name}")
    for name in report.removed:
        click.echo(f"removed  {name}")
    total = f"{_count(report.wheels, 'wheel')} of {_count(report.packages, 'package')}"
    if dry_run:
        click.echo(f"{site}: would have {total} (nothing was written)")
    elif report.changed or report.removed:
        files = f"{_count(len(report.changed), 'file')} written, {report.unchanged:,} as before"
        click.echo(f"{site}: {total}; {files}, in {report.seconds:.2f} s")
    else:
        click.echo(f"{site}: {total}; nothing changed")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
