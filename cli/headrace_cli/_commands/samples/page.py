"""``agents samples page``: judge samples in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._samples._options import BY, FOLDER, TO

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]

_HOST = "127.0.0.1"


@click.command("page")
@FOLDER
@TO
@BY
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
def command(folder: Path | None, to: Path | None, by: str | None, port: int) -> None:
    """Serve a page to judge samples on, for you on this machine, until Ctrl-C.

    Open the address that is printed: it has a token, without which nobody else here sees a sample.
    """
    try:
        import uvicorn

        from headrace_cli._samples._app import application
    except ModuleNotFoundError as error:
        raise CommandError(
            f"agents samples page needs a package that is not here: {error.name}",
            then='pip install "headrace-cli[serve]"',
        ) from None
    import secrets

    from headrace_cli._approvals import user
    from headrace_cli._samples._desk import Desk
    from headrace_cli._serving._listening import listener

    who = by or user()
    if not who:
        raise WrongUseError("it is not known who you are", then="--by NAME")
    desk = Desk.of(folder, to)
    desk.judged()  # what is wrong with them is said here
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        application(desk, who, token),
        host=_HOST,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    bound = listener(config)
    click.echo(f"samples: http://{_HOST}:{bound.getsockname()[1]}/#token={token}", err=True)
    try:
        uvicorn.Server(config).run(sockets=[bound])
    except KeyboardInterrupt:  # uvicorn raises again what has ended it
        pass
    finally:
        bound.close()
