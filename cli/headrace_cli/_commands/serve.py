"""``agents serve``: an agent over HTTP, on the local engine."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._serving._listening import LOOPBACK_NAMES, listener

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from headrace.plan import AgentPlan

__all__ = ["command"]

_VARIABLE = "HEADRACE_SERVE_TOKEN"
_SHORTEST_TOKEN = 16
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@click.command("serve")
@click.argument("target")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--key", metavar="FIELD", help="The field of the inputs that is the key.")
@click.option("--message-field", metavar="FIELD", help="The field that a message goes into.")
@click.option("--state", type=click.Path(path_type=Path), help="A file that memory survives in.")
@click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help=f"What requests must bring; or {_VARIABLE}.")  # fmt: skip
@click.option("--max-requests", type=click.IntRange(1), default=64, show_default=True,
              help="Requests under way; more are refused.")  # fmt: skip
@click.option("--max-bytes", type=click.IntRange(64), default=65_536, show_default=True,
              help="The longest request.")  # fmt: skip
@click.option("--metrics", metavar="HOST:PORT", help="Show metrics there, for Prometheus.")
@click.option("--set", "settings", multiple=True, metavar="SETTING=VALUE", help="A setting.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--model", metavar="NAME", help="Short for --param model=NAME.")
@click.option("-f", "--file", "files", multiple=True, metavar="FILE.yaml",
              help="A YAML file read together with the agent's; repeat.")  # fmt: skip
def command(target: str, **typed: Any) -> None:
    """Serve an agent over HTTP, with a page to chat on.

    TARGET is as for `agents run`. POST /api/chat takes {"key": ..., "message": ...}, or an
    "input" in place of the message, and answers {"outputs": [...]}; with `Accept:
    text/event-stream` it sends the parts of the answer as they are written. Inputs of one key go
    one after the other.

    It listens on this machine only, unless --host says otherwise; then a token is needed.
    """
    try:
        import uvicorn

        from headrace_cli._serving._app import Rules, application
    except ModuleNotFoundError as error:
        raise CommandError(
            f"agents serve needs a package that is not here: {error.name}",
            then='pip install "headrace-cli[serve]"',
        ) from None
    from headrace.metrics import Endpoint, Metrics
    from headrace_cli._metrics import address_of
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._serving._front import Front
    from headrace_cli._settings import apply_settings, pairs, split_settings
    from headrace_cli._targets import load_target

    host = typed["host"]
    token = _token(typed["token_file"])
    if token is None and host not in _LOOPBACK:
        raise WrongUseError(
            f"{host} can be reached from other machines, so requests must bring a token",
            then=f"--token-file FILE, or {_VARIABLE}, of {_SHORTEST_TOKEN} characters or more",
        )
    parameters = agent_parameters(typed["parameters"], typed["model"])
    loaded = load_target(target, parameters, typed["files"])
    settings, _ = split_settings(pairs(typed["settings"], "--set"), "local")
    plan = _for_serving(apply_settings(loaded.plan, settings))
    project_key = loaded.project.run.key if Path(target).is_dir() else None
    rules = Rules(
        agent=plan.name,
        key=typed["key"] or project_key,
        message=typed["message_field"],
        token=token,
        most_bytes=typed["max_bytes"],
        hosts=LOOPBACK_NAMES if host in _LOOPBACK else ("*",),
    )
    server: uvicorn.Server | None = None

    def ended() -> None:
        if server is not None:
            server.should_exit = True

    at = address_of(typed["metrics"])
    metrics = None if at is None else Metrics(series=plan.config.metrics.series)
    front = Front(
        plan, state=typed["state"], limit=typed["max_requests"], metrics=metrics, ended=ended
    )
    config = uvicorn.Config(
        application(front, rules),
        host=host,
        port=typed["port"],
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    bound = listener(config)
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"{plan.name}: http://{shown}:{bound.getsockname()[1]}/", err=True)
    endpoint: AbstractContextManager[Any] = nullcontext()
    if at is not None and metrics is not None:
        endpoint = made = Endpoint(metrics, *at)
        click.echo(f"metrics: {made.address}", err=True)
    server = uvicorn.Server(config)
    front.start()
    try:
        with endpoint:
            server.run(sockets=[bound])
    except KeyboardInterrupt:  # uvicorn raises again what has ended it
        pass
    finally:
        front.stop()
        bound.close()
    if front.error is not None:
        raise front.error


def _token(file: Path | None) -> str | None:
    token = os.environ.get(_VARIABLE) if file is None else file.read_text("utf-8")
    if token is None:
        return None
    token = token.strip()
    if len(token) < _SHORTEST_TOKEN or not token.isascii():
        raise WrongUseError(
            f"the token must be {_SHORTEST_TOKEN} characters of ASCII or more",
            then='python -c "import secrets; print(secrets.token_urlsafe())" > FILE',
        )
    return token


def _for_serving(plan: AgentPlan) -> AgentPlan:
    """The plan as a server runs it: one question that fails does not end it, and answers stream."""
    from headrace.agents import ChatAgent
    from headrace.references import find

    def kept(policy: Any) -> Any:
        fails = policy is not None and policy.then == "fail"
        return policy.model_copy(update={"then": "dead_letter"}) if fails else policy

    actions = {
        name: spec.model_copy(update={"policy": kept(spec.policy)})
        for name, spec in plan.actions.items()
    }
    config = plan.config.model_copy(update={"failure": kept(plan.config.failure)})
    parameters = plan.parameters
    if plan.agent_class is not None:
        kind = find(plan.agent_class)
        if isinstance(kind, type) and issubclass(kind, ChatAgent):
            parameters = {**parameters, "stream": True}
    return plan.model_copy(update={"actions": actions, "config": config, "parameters": parameters})
