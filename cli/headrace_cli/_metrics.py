"""Where metrics are shown: the option ``--metrics HOST:PORT``."""

from __future__ import annotations

from headrace_cli._errors import WrongUseError

__all__ = ["address_of"]

_LAST_PORT = 65535


def address_of(text: str | None) -> tuple[str, int] | None:
    """The host and the port that were typed; ``None`` where nothing was.

    Raises:
        WrongUseError: It is no address.
    """
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isascii() or not port.isdecimal() or int(port) > _LAST_PORT:
        raise WrongUseError(
            f"--metrics {text} is no address to show metrics at",
            then="--metrics 9464 for this machine alone, or --metrics 0.0.0.0:9464",
        )
    return host, int(port)
