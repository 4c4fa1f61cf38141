"""A change that does not come to its end leaves the project as it was, or says how to finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

# A process in the background may have been started with SIGINT ignored.
COMMAND = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from headrace_cli.main import main; main()",
]


class Registry(SimpleHTTPRequestHandler):
    """A registry whose second wheel can be held back or refused, or that is away."""

    protocol_version = "HTTP/1.1"
    behaviour = "serve"
    asked = threading.Event()
    go_on = threading.Event()

    def do_GET(self):
        if self.behaviour == "away":
            self.send_error(404)
            return
        if self.path.endswith(".whl") and "mailer" in self.path:
            if self.behaviour == "hold":
                self.asked.set()
                self.go_on.wait(60)
            if self.behaviour in ("hold", "refuse"):
                self.send_error(503)
                return
        super().do_GET()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def served(shop, customer):
    """A customer who has a skill from a served shop; the shop has another one."""
    shop.skill("log-triage", "1.0.0")
    shop.skill("mailer", "1.0.0")
    shop.build()
    handler = type("Handler", (Registry,), {"asked": threading.Event(), "go_on": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(shop.site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    customer.file.write_text(
        customer.file.read_text()
        + f'\n[tool.agents.registries.main]\nurl = "http://127.0.0.1:{server.server_port}"\n'
        f'key = "{shop.key}"\n'
    )
    customer.done("skills", "add", "log-triage", "--yes")
    yield customer, handler
    handler.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def start(customer, *arguments):
    environment = {**os.environ, **{k: v for k, v in customer.environment.items() if v is not None}}
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=customer.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_wheel_that_cannot_be_had_leaves_all_as_it_was(served):
    customer, handler = served
    before, installed = customer.state(), customer.installed()
    handler.behaviour = "refuse"
    result = customer.run("skills", "add", "mailer", "--yes")
    assert result.exit_code == 1
    assert "503" in result.stderr
    assert (customer.state(), customer.installed()) == (before, installed)


def test_a_command_that_is_killed_is_taken_back_by_the_next_one(served):
    customer, handler = served
    before, installed = customer.state(), customer.installed()
    handler.behaviour = "hold"
    process = start(customer, "skills", "add", "mailer", "--yes")
    assert handler.asked.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    handler.behaviour = "serve"
    result = customer.run("skills", "add", "mailer", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "was put back" in result.stderr
    assert (customer.state(), customer.installed()) == (before, installed)


def test_an_interrupted_command_takes_itself_back(served):
    customer, handler = served
    before, installed = customer.state(), customer.installed()
    handler.behaviour = "hold"
    process = start(customer, "skills", "add", "mailer", "--yes")
    assert handler.asked.wait(60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)  # the wheel is held back all the time
    assert process.returncode != 0
    assert (customer.state(), customer.installed()) == (before, installed)


def test_a_second_command_waits_for_the_first(served):
    customer, handler = served
    handler.behaviour = "hold"
    first = start(customer, "skills", "add", "mailer", "--yes")
    assert handler.asked.wait(60)
    second = start(customer, "skills", "remove", "log-triage", "--yes")
    handler.behaviour = "serve"
    handler.go_on.set()
    first.communicate()
    out, err = second.communicate()
    assert second.returncode == 0, out + err
    assert "log-triage" not in customer.file.read_text()
    assert "in keeping" in customer.done("lock", "--check")


def test_an_environment_that_cannot_be_put_back_is_said_and_mended_by_sync(served):
    customer, _ = served
    before = customer.state()
    (site,) = customer.folder.glob(".venv/lib/python*/site-packages")
    in_the_way = site / "skill_mailer"
    in_the_way.write_text("a file where a package is to be\n")
    result = customer.run("skills", "add", "mailer", "--yes")
    assert result.exit_code == 1
    assert "agents sync" in result.stderr
    assert customer.state() == before
    in_the_way.unlink()
    customer.done("sync")
    assert customer.installed() == {"skill-log-triage": "1.0.0"}


def test_a_file_that_was_edited_meanwhile_is_not_overwritten(served, monkeypatch):
    customer, _ = served
    from headrace_registry import changes

    real = changes.apply

    def edited(plan, *arguments, **more):
        customer.file.write_text(customer.file.read_text() + "# mine\n")
        return real(plan, *arguments, **more)

    monkeypatch.setattr(changes, "apply", edited)
    lock = customer.lock.read_bytes()
    result = customer.run("skills", "add", "mailer", "--yes")
    assert result.exit_code == 1
    assert customer.file.read_text().endswith("# mine\n")
    assert "mailer" not in customer.file.read_text()
    assert customer.lock.read_bytes() == lock


def test_offline_takes_all_from_the_cache(served):
    customer, handler = served
    customer.done("skills", "add", "mailer", "--yes")
    customer.done("skills", "remove", "mailer", "--yes")
    handler.behaviour = "away"
    refused = customer.run("skills", "add", "mailer", "--yes")
    assert refused.exit_code == 1
    customer.done("skills", "add", "mailer", "--yes", "--offline")
    assert customer.installed() == {"skill-log-triage": "1.0.0", "skill-mailer": "1.0.0"}
