"""Every command and example of the docs is run, as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.test_guides import GUIDES as WALKED

ROOT = Path(__file__).parents[1]
PATTERNS = ("*.md", "docs/*.md", "*/README.md", "plugins/*/README.md", "examples/*/README.md")
GUIDES = {ROOT / guide for guide in WALKED}
PAGES = sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)} - GUIDES)
AGENT = '''
from headrace import Agent, Context, InputEvent, OutputEvent, action


class Echo(Agent):
    """Says what it hears."""

    prefix: str = ""

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=f"{self.prefix}{event.input}"))
'''
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"},
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}


@dataclass(frozen=True)
class Way:
    """How a command of the docs is run in a test, and what shows that it did what it should."""

    shows: str
    """Stands in what it prints."""
    more: str = ""
    """Options that make it shorter, or keep it off the user's files."""
    instead: tuple[str, str] = ("", "")
    """A part that would never end, and one that does."""
    flink: bool = False


ASKED = 'curl -s localhost:8000/api/chat --json \'{{"key": "{}", "message": "{}"}}\''
SERVED = [
    ASKED.format("ada", "one tea"),
    ASKED.format("ada", "the same"),
    ASKED.format("bo", "the same"),
    ASKED.format("bo", "one beer") + " -H 'Accept: text/event-stream'",
]
OWN_TESTS = {
    "python examples/team_tickets/run_job.py --broker 127.0.0.1:9092 "
    "--jar flink-sql-connector-kafka-5.0.0-2.2.jar": "tests/examples/test_team_tickets.py",
    "python counter.py": "tests/plugins/scripted/test_readme.py",
    "python seller.py": "tests/plugins/mcp/test_readme.py",
    "agents login agent.py:Watch": "tests/plugins/mcp/test_login.py",
    "agents run .": "tests/examples/test_refund_approval.py",
    "agents approvals list": "tests/examples/test_refund_approval.py",
    "agents approvals approve --all": "tests/test_guides.py",
    "agents skills search money back": "tests/test_guides.py",
    "agents lock --check": "tests/test_guides.py",
    "agents build -o job.zip": "tests/test_guides.py",
    "agents verify job.zip": "tests/cli/test_verify.py",
    "agents registry keys jobs ~/keys": "tests/cli/test_verify.py",
    "agents build . -o job.zip --sign --keys ~/keys": "tests/cli/test_build.py",
    "agents verify job.zip --key sha256:4f0c...": "tests/cli/test_verify.py",
    "agents inspect job.zip": "tests/cli/test_inspect.py",
    "agents inspect job.zip --packages": "tests/cli/test_inspect.py",
    "agents inspect job.zip --plan": "tests/cli/test_inspect.py",
    "agents inspect job.zip --sbom > sbom.json": "tests/cli/test_inspect.py",
    "agents inspect old.zip --diff new.zip": "tests/cli/test_inspect.py",
    "agents inspect job.zip --json --files": "tests/cli/test_inspect.py",
    "agents submit job.zip --cluster flink.example.com:8081 --input s3://logs "
    "--output s3://incidents": "tests/on_a_cluster/test_main_job.py",
    "./dev docs": "tests/test_site.py",
    "agents serve waiter.py:Waiter --state chats.db": "tests/cli/test_serve_guide.py",
    **dict.fromkeys(SERVED, "tests/cli/test_serve_guide.py"),
    "agents serve examples/order_desk/order_chat.py:OrderChat": "tests/examples/test_order_desk.py",
}
IN_PLACE = "--output {tmp}/out.jsonl --dead-letters {tmp}/dead.jsonl"
ON_FLINK = (
    "agents run my_agents:Echo --engine flink --input in.jsonl --output out.jsonl --parallelism 4"
)
COMMANDS = {
    "./dev demo": Way("8 outputs", IN_PLACE),
    "./dev test": Way("tests collected", "--collect-only -q"),
    "./dev setup": Way(""),
    "./dev lint": Way("no issues found"),
    './dev test -m "not slow"': Way("tests collected", "--collect-only -q"),
    "./dev flink 1.20": Way(
        "passed", "-q tests/core/flink/test_streams.py -k savepoint", flink=True
    ),
    "./dev bench --quick": Way("| figure | headrace |", "--only start --output {tmp}"),
    "agents run examples/incident_triage": Way("8 outputs", IN_PLACE),
    "agents run examples/incident_triage --engine flink": Way("8 outputs", IN_PLACE, flink=True),
    "agents run examples/incident_triage --model openai --param model_name=gpt-4.1-mini": Way(
        "OPENAI_API_KEY", IN_PLACE
    ),
    "agents run examples/incident_triage --param memory=out/memory.db": Way("8 outputs", IN_PLACE),
    "agents run examples/support_desk --events examples/support_desk/out/events.jsonl": Way(
        "9 outputs", "--output {tmp}/out.jsonl"
    ),
    "agents run examples/review_analysis": Way("10 outputs", IN_PLACE),
    "agents run examples/review_analysis --model openai --param model_name=gpt-4.1-mini": Way(
        "OPENAI_API_KEY", IN_PLACE
    ),
    "agents run examples/document_answers": Way("10 outputs", IN_PLACE),
    "agents run examples/document_answers --model openai --param model_name=gpt-4.1-mini": Way(
        "OPENAI_API_KEY", IN_PLACE
    ),
    "python examples/document_answers/index.py": Way("8 documents", "--index {tmp}/library.db"),
    "agents run examples/order_desk": Way("7 outputs", IN_PLACE + " --param folder={tmp}"),
    "agents run examples/order_desk --engine flink": Way(
        "7 outputs", IN_PLACE + " --param folder={tmp}", flink=True
    ),
    "agents run examples/review_team": Way("6 outputs", IN_PLACE),
    "agents run examples/review_team --engine flink": Way("6 outputs", IN_PLACE, flink=True),
    "agents plan examples/review_team --mermaid": Way("flowchart LR"),
    "agents run examples/review_team/reply_team.py:with_openai "
    "--input examples/review_team/data/reviews.jsonl --key product": Way(
        "OPENAI_API_KEY", IN_PLACE
    ),
    "agents run examples/team_tickets": Way("5 outputs", IN_PLACE),
    "agents run examples/joined_jobs": Way("10 outputs", IN_PLACE),
    "agents run examples/joined_jobs --output - --quiet | "
    "agents run examples/joined_jobs/joined_agents.py:Desk --key desk": Way("10 outputs", IN_PLACE),
    "python examples/joined_jobs/run_jobs.py two --output out/two": Way(
        "billing 1: ", "--output {tmp}/two", flink=True
    ),
    "python examples/joined_jobs/run_jobs.py one --output out/one": Way(
        "billing 1: ", "--output {tmp}/one", flink=True
    ),
    "agents run my_agents:Echo --input in.jsonl --output out.jsonl --key user.id --state echo.db": (
        Way("2 outputs")
    ),
    "tail -f in.jsonl | agents run echo.py:Echo --param prefix='> '": Way(
        '"> {', instead=("tail -f", "cat")
    ),
    ON_FLINK: Way("2 outputs", flink=True),
    "agents init my-desk": Way("next: agents run my-desk"),
    "agents plan my_agents:Echo": Way("echo"),
    "agents plugins list": Way("scripted"),
    "agents skills list": Way(""),
    'eval "$(agents completion bash)"': Way(""),
}


def commands_of(page: Path) -> set[str]:
    """The commands that a page shows: lines with a prompt, and indented ones of ours."""
    found = set()
    for line in page.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\$ (.+)|    ((?:agents|\./dev|tail|eval) .+)", line)
        if match:
            text = match[1] or match[2]
            found.add(re.sub(r"\s+#.*$", "", text))
    return found


def test_every_command_of_the_docs_is_run_by_a_test():
    shown = set().union(*map(commands_of, PAGES))
    assert shown - OWN_TESTS.keys() == COMMANDS.keys()


@pytest.fixture
def folder(tmp_path):
    """Where the commands that name no file of the checkout are typed."""
    (tmp_path / "my_agents.py").write_text(AGENT)
    (tmp_path / "echo.py").write_text(AGENT)
    (tmp_path / "in.jsonl").write_text('{"user": {"id": 1}}\n{"user": {"id": 2}}\n')
    return tmp_path


def marked(command: str) -> object:
    # Another Flink is fetched, which takes as long as the network does.
    flink = [pytest.mark.flink, pytest.mark.timeout(900)] if COMMANDS[command].flink else []
    return pytest.param(command, marks=[pytest.mark.slow, *flink])


@pytest.mark.parametrize("command", [marked(command) for command in COMMANDS])
def test_a_command_of_the_docs_works(command, folder):
    way = COMMANDS[command]
    here = "./dev" in command or "examples/" in command
    text = f"{command} {way.more}".format(tmp=shlex.quote(str(folder))).replace(*way.instead)
    run = subprocess.run(
        ["bash", "-c", text],
        cwd=ROOT if here else folder,
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert way.shows in run.stdout + run.stderr


def blocks_of(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run_python(text: str, folder: Path) -> str:
    (folder / "example.py").write_text(text)
    run = subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_readmes_agent_prints_what_the_readme_says(tmp_path):
    agent, *_ = blocks_of(ROOT / "README.md", "python")
    [printed] = blocks_of(ROOT / "README.md", "text")
    assert run_python(agent, tmp_path) == printed


@pytest.mark.slow
@pytest.mark.flink
def test_the_readmes_flink_job_gives_the_same_outputs(tmp_path):
    agent, job = blocks_of(ROOT / "README.md", "python")
    [printed] = blocks_of(ROOT / "README.md", "text")
    defined, _, _ = agent.partition('if __name__ == "__main__":')
    found = run_python(defined + job, tmp_path)
    assert sorted(re.findall(r"> \w \(\d\)", found)) == sorted(printed.splitlines())
