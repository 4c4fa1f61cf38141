"""``agents registry keys``: what a keeper signs with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import CommandError

__all__ = ["command"]

_FOLDER = click.Path(file_okay=False, path_type=Path)
_THERE = click.Path(exists=True, file_okay=False, path_type=Path)
_SOON = 60  # days before its end that a root is to be renewed


@click.group("keys")
def command() -> None:
    """The keys of a registry's keeper: two root keys and an online key.

    The root keys are kept apart from each other and from the server; either of them replaces any
    key. The online key signs each change of the registry. HEADRACE_SIGNING_PASSWORD, if it is
    set, encrypts the files.
    """


@command.command("new")
@click.argument("folder", type=_FOLDER, metavar="DIR")
@click.option("--root-days", type=click.IntRange(1), default=365, show_default=True)
@click.option("--targets-days", type=click.IntRange(1), default=90, show_default=True)
@click.option("--timestamp-days", type=click.IntRange(1), default=14, show_default=True)
def new(folder: Path, root_days: int, targets_days: int, timestamp_days: int) -> None:
    """Make the keys of a new registry in DIR; prints the fingerprint that projects pin.

    The days say how long what is signed is good for: the root of trust, the list of files, and the
    word that nothing newer is there.
    """
    from headrace_registry.trust import Lifetimes, create_keys

    lifetimes = Lifetimes(root_days, targets_days, timestamp_days)
    click.echo(create_keys(folder, lifetimes=lifetimes))
    click.echo(
        f"next: move {folder / 'root-1.pem'} and {folder / 'root-2.pem'} to two safe places; "
        "online.pem and roots/ are what signing needs",
        err=True,
    )


@command.command("jobs")
@click.argument("folder", type=_FOLDER, metavar="DIR")
def jobs(folder: Path) -> None:
    """Make the key in DIR that signs jobs' zips; prints its fingerprint, or that of the one there.

    It is none of a registry's keys: who builds jobs need not be able to publish packages. Sign
    with it: agents build --sign --keys DIR. Those who verify pin the fingerprint: agents verify
    --key.
    """
    from headrace_registry.bundle.signing import JOB_KEY, JobSigner, create_job_key

    if (folder / JOB_KEY).exists():
        click.echo(JobSigner.open(folder).fingerprint)
    else:
        click.echo(create_job_key(folder))
        click.echo(
            f"next: keep {folder / JOB_KEY} where jobs are built, and a copy apart", err=True
        )


@command.command("show")
@click.argument("folder", type=_THERE, metavar="DIR")
@_keeping.json_output
def show(folder: Path, as_json: bool) -> None:  # noqa: FBT001
    """Show the fingerprint, the keys and the end of the root of trust in DIR."""
    from datetime import datetime, timezone

    from headrace_registry.trust import Keys

    keys = Keys.open(folder)
    root, states = keys.root, keys.states()
    days = (root.expires - datetime.now(timezone.utc)).days
    if as_json:
        import json
        from dataclasses import asdict

        data: dict[str, Any] = {
            "fingerprint": keys.fingerprint,
            "root": root.version,
            "expires": root.expires.isoformat(),
            "lifetimes": asdict(keys.lifetimes),
            "keys": [asdict(one) for one in states],
        }
        click.echo(json.dumps(data, indent=2))
        return
    from headrace_cli._tables import table

    click.echo(f"fingerprint:  {keys.fingerprint}")
    click.echo(f"root:         {root.version}, until {root.expires:%Y-%m-%d} ({days} days)")
    rows = [
        (one.name, one.keyid[:16], _place(here=one.here, encrypted=one.encrypted)) for one in states
    ]
    click.echo(table(("KEY", "ID", "FILE"), rows))
    if days < _SOON:
        click.echo(f"next: with a root key in it: agents registry keys renew {folder}", err=True)


@command.command("rotate")
@click.argument("folder", type=_THERE, metavar="DIR")
@click.argument("name", type=click.Choice(("root-1", "root-2", "online")))
def rotate_key(folder: Path, name: str) -> None:
    """Replace a key in DIR, lost, stolen or old. A root key has to be in DIR.

    The fingerprint stays. Sign the registry afterwards: agents registry keys sign.
    """
    from headrace_registry.trust import rotate

    _tell_root(folder, rotate(folder, name))


@command.command("renew")
@click.argument("folder", type=_THERE, metavar="DIR")
def renew(folder: Path) -> None:
    """Give the root of trust in DIR a new end; its keys stay. A root key has to be in DIR."""
    from headrace_registry.trust import rotate

    _tell_root(folder, rotate(folder, None))


@command.command("sign")
@_keeping.existing_site
@click.option("--keys", "folder", type=_THERE, required=True, metavar="DIR")
@_keeping.json_output
def sign(site: Path, folder: Path, as_json: bool) -> None:  # noqa: FBT001
    """Sign a registry's SITE anew, where half of a signature's life is over or a key changed.

    Run it daily: clients refuse a registry that was not signed in time.
    """
    from headrace_registry.site import sign_site

    signer = _keeping.signer_of(folder)
    assert signer is not None  # noqa: S101 - there is a folder
    report = sign_site(site, signer)
    _keeping.tell(site, report, as_json=as_json, dry_run=False)


@command.command("check")
@_keeping.existing_site
@click.option("--key", required=True, metavar="sha256:...", help="The fingerprint.")
@_keeping.json_output
def check(site: Path, key: str, as_json: bool) -> None:  # noqa: FBT001
    """Check each file of a registry's SITE, or of a copy, against what its keeper signed."""
    from headrace_cli._commands.registry._approving import checked
    from headrace_registry.trust import check_site

    registry = checked("site", site.absolute().as_uri(), key, None, site)
    problems = check_site(registry, site)
    if as_json:
        import json

        click.echo(json.dumps({"site": str(site), "problems": problems}, indent=2))
    else:
        for one in problems:
            click.echo(one)
    if problems:
        raise CommandError(f"{len(problems)} files are not as they were signed", where=str(site))
    if not as_json:
        click.echo(f"{site}: all is as it was signed")


def _tell_root(folder: Path, number: int) -> None:
    click.echo(f"{folder / 'roots' / f'{number}.root.json'}: the new root of trust")
    click.echo(
        f"next: agents registry keys sign SITE --keys {folder}; "
        "and take the root keys out of the folder again",
        err=True,
    )


def _place(*, here: bool, encrypted: bool) -> str:
    if not here:
        return "elsewhere"
    return "here, encrypted" if encrypted else "here"
