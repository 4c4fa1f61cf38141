"""``agents registry serve``: a registry over HTTP, for development and for uploads."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_registry.site import Uploads

__all__ = ["command"]

_LEAST = 16  # characters of a token


@click.command("serve")
@_keeping.existing_site
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port. Default: a free one."
)
@click.option(
    "--accept-uploads",
    is_flag=True,
    help="Let wheels be published by those who know $HEADRACE_UPLOAD_TOKEN.",
)
@_keeping.accept
@_keeping.keys
@click.option("--quiet", is_flag=True, help="Do not tell each request.")
def command(
    site: Path,
    host: str,
    port: int,
    accept_uploads: bool,  # noqa: FBT001
    accept: tuple[str, ...],
    keys: Path | None,
    quiet: bool,  # noqa: FBT001
) -> None:
    """Serve the registry SITE over HTTP, until Ctrl-C.

    It has no TLS: from other machines, let a web server stand before it, or serve the folder by
    any file server. uv and twine upload as well: `uv publish --publish-url URL/`.
    """
    from headrace_registry.site import serve

    uploads = _uploads(site, accept, keys) if accept_uploads else None
    log = None if quiet else lambda line: click.echo(line, err=True)
    with _until_told(), serve(site, host, port, uploads=uploads, log=log) as server:
        click.echo(server.url)
        click.echo(f"  add it:   agents registry add NAME {server.url}", err=True)
        click.echo(f"  with uv:  uv pip install --index {server.url}/simple/ PACKAGE", err=True)
        if uploads is not None:
            click.echo(f"  upload:   agents registry publish WHEEL --to {server.url}", err=True)
        server.wait()


def _uploads(site: Path, accept: tuple[str, ...], keys: Path | None) -> Uploads:
    from headrace_registry.site import Uploads

    token = os.environ.get("HEADRACE_UPLOAD_TOKEN", "")
    if len(token) < _LEAST:
        raise WrongUseError(
            f"uploads need a token of at least {_LEAST} characters in $HEADRACE_UPLOAD_TOKEN",
            then="export HEADRACE_UPLOAD_TOKEN=$(python3 -c 'import secrets; "
            "print(secrets.token_urlsafe(32))')",
        )
    return Uploads(site, token, accept, _keeping.signer_of(keys))


@contextmanager
def _until_told() -> Iterator[None]:
    """Ends quietly on Ctrl-C and when the process is told to end."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
