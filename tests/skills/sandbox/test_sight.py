"""What a command in a sandbox can do: all that an honest script needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Command, Limits
from headrace_skills.sandboxes import _places

from ..conftest import add_file, write_skill  # noqa: TID252 - helpers of all skills' tests
from .conftest import SHORT


@pytest.fixture
def skill(tmp_path):
    folder = write_skill(tmp_path / "skills" / "triage")
    add_file(folder, "scripts/neighbour.py", "word = 'hello'")
    return folder


@pytest.fixture
def say(any_sandbox, skill):
    """Run Python source in each sandbox; what it prints."""

    def run(source, *arguments, **more):
        argv = (sys.executable, "-s", "-B", "-c", source, *arguments)
        outcome = any_sandbox.run_now(Command(argv, skill, limits=SHORT, **more))
        assert outcome.ok, outcome
        return outcome.stdout.decode()

    return run


def test_it_reads_its_skill_at_its_path(say, skill):
    assert say("import sys; print(open(sys.argv[1]).read())", str(skill / "SKILL.md")).startswith(
        "---\nname: triage"
    )


def test_it_imports_the_agents_packages(say):
    """Those that are installed; a project's own folders are not among what is shown."""
    assert say("import yaml, packaging, ssl, sqlite3; print('yes')") == "yes\n"


def test_it_starts_programs_and_threads_and_passes_bytes_between_them(say):
    assert say("""
import concurrent.futures, subprocess, socket
one, other = socket.socketpair(); one.sendall(b'pair'); print(other.recv(9).decode())
print(subprocess.check_output(['sort'], input='b\\na\\n', text=True).split())
print(list(concurrent.futures.ThreadPoolExecutor(2).map(len, ['a', 'bb'])))
child = subprocess.Popen(['sleep', '60']); child.terminate(); print(child.wait())
""").splitlines() == ["pair", "['a', 'b']", "[1, 2]", "-15"]


def test_it_writes_copies_and_packs_files_in_its_folder(say):
    assert (
        say("""
import os, shutil, subprocess, tempfile
open('a', 'w').write('text'); os.mkdir('d'); shutil.copy('a', 'd/b'); shutil.copystat('a', 'd/b')
sh = 'cp -r d e && tar cf t d && mkdir x && cd x && tar xf ../t && cat d/b > /dev/null && rm -r d'
subprocess.run(sh, shell=True, check=True)
with tempfile.NamedTemporaryFile() as file: file.write(b'x')
os.rename('a', 'e/a'); print(sorted(os.listdir()), open('e/b').read())
""")
        == "['d', 'e', 't', 'x'] text\n"
    )


def test_it_is_held_to_its_limits_by_the_kernel(any_sandbox, skill):
    source = """
import json, resource
names = "CPU AS FSIZE NOFILE CORE".split()
print(json.dumps([resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names]))
"""
    limits = Limits(seconds=9, cpu_seconds=7, memory=2**30, file_size=2**20, open_files=99)
    outcome = any_sandbox.run_now(Command((sys.executable, "-c", source), skill, limits=limits))
    assert json.loads(outcome.stdout) == [[7, 8], [2**30] * 2, [2**20] * 2, [99, 99], [0, 0]]


def test_it_is_given_no_variable_but_those_that_are_named(any_sandbox, skill, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    argv = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    command = Command(argv, skill, limits=SHORT, environment={"TOKEN": "a b\nc='", "HOME": "/"})
    seen = json.loads(any_sandbox.run_now(command).stdout)
    assert set(seen) - {"LC_CTYPE", "PWD"} == {"PATH", "LANG", "HOME", "TMPDIR", "TOKEN"}
    assert seen["TOKEN"] == "a b\nc='"  # noqa: S105 - it is none
    assert seen["HOME"] == seen["TMPDIR"] != "/", "its folder is its home, whatever is granted"


def test_values_of_variables_are_in_no_text_of_a_command(skill):
    assert "secret" not in repr(Command(("/bin/true",), skill, environment={"TOKEN": "secret"}))


@pytest.mark.parametrize(
    "variable", [("A", "b\0--bind\0/\0/"), ("A\0B", "c"), ("A=B", "c"), ("", "c")]
)
def test_what_is_no_variable_is_refused(any_sandbox, skill, variable):
    command = Command(("/bin/true",), skill, environment=dict([variable]))
    with pytest.raises(SandboxError, match="cannot be given to a program"):
        any_sandbox.run_now(command)


def test_values_of_variables_are_in_no_command_line(any_sandbox, skill, tmp_path):
    """Every user of a machine may read those."""
    os.mkfifo(tmp_path / "go")
    marker = f"marker-{tmp_path.name}"
    argv = ("/bin/sh", "-c", f": {marker}; cat go; env")
    command = Command(argv, skill, limits=SHORT, environment={"TOKEN": marker}, scratch=tmp_path)
    import threading

    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(any_sandbox.run_now(command)))
    thread.start()
    with (tmp_path / "go").open("w"):  # opens once the script reads
        lines = [_command_line(pid) for pid in os.listdir("/proc") if pid.isdigit()]  # noqa: PTH208
    thread.join()
    assert f"TOKEN={marker}".encode() in outcomes[0].stdout
    assert any(marker in line for line in lines)
    assert not any(f"TOKEN\0{marker}" in line or f"TOKEN={marker}" in line for line in lines)


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def test_what_is_readable_beside_the_skill_can_be_read_and_not_written(isolating, skill, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "words").write_text("in")
    argv = ("/bin/sh", "-c", 'cat "$0/words"; echo mine > "$0/words"', str(more))
    hidden = isolating.run_now(Command(argv, skill, limits=SHORT))
    assert hidden.stdout == b""
    shown = isolating.run_now(Command(argv, skill, limits=SHORT, readable=(more,)))
    assert shown.stdout == b"in"
    assert (more / "words").read_text() == "in"


def test_a_program_that_is_granted_is_seen_where_it_really_is(
    isolating, skill, tmp_path, monkeypatch
):
    """Programs of the system are seen in any case; one that is put in from elsewhere is not."""
    elsewhere, bin_folder = tmp_path / "elsewhere", tmp_path / "bin"
    elsewhere.mkdir()
    bin_folder.mkdir()
    shutil.copy("/bin/echo", elsewhere / "say")
    (bin_folder / "say").symlink_to(elsewhere / "say")
    monkeypatch.setattr(_places, "FIXED_PATH", f"{bin_folder}:/usr/bin")
    command = Command((str(bin_folder / "say"), "hello"), skill, limits=SHORT)
    with pytest.raises(SandboxError, match="cannot be started"):
        isolating.run_now(command)
    assert isolating.run_now(replace(command, commands=("say",))).stdout == b"hello\n"
    with pytest.raises(SandboxError, match="'no-such' is granted, and is not there"):
        isolating.run_now(replace(command, commands=("no-such",)))


def test_the_interpreter_is_found_however_its_path_was_typed(tmp_path, skill):
    """A worker may have been started as ``../.venv/bin/python``, in a folder that is not shown."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    typed = os.path.relpath(sys.executable, elsewhere)
    script = """
import asyncio, sys
from pathlib import Path
from headrace_skills._scripts import ScriptRunner
from headrace_skills import read_skill
from headrace_skills.sandbox import Limits, choose_sandbox
runner = ScriptRunner(choose_sandbox(), Limits())
print(asyncio.run(runner.run(read_skill(Path(sys.argv[1])), "neighbour.py", (), "")).ok)
"""
    done = subprocess.run(
        [typed, "-c", script, str(skill)],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr


def test_what_cannot_be_started_is_told(any_sandbox, skill):
    with pytest.raises(SandboxError, match=r"cannot be started: .*No such file"):
        any_sandbox.run_now(Command(("/no/such/program",), skill, limits=SHORT))


def test_how_it_ends_is_told(any_sandbox, skill):
    def end(source):
        outcome = any_sandbox.run_now(Command(("/bin/sh", "-c", source), skill, limits=SHORT))
        return outcome.ended, outcome.code

    assert end("exit 3") == ("exit", 3)
    assert end("kill -TERM $$") == ("signal", 15)
    assert end("kill -KILL $$") == ("signal", 9)


def test_a_folder_of_all_files_is_no_skill(isolating):
    with pytest.raises(SandboxError, match="root of all files"):
        isolating.run_now(Command(("/bin/true",), Path("/")))


def test_hosts_are_not_granted_where_nothing_holds_a_script_to_them(sandbox_named, skill):
    command = Command(("/bin/true",), skill, network=("api.example.com",))
    with pytest.raises(SandboxError, match="cannot hold a script to the hosts"):
        sandbox_named("landlock").run_now(command)


def test_a_worker_without_privileges_has_the_same(sandbox_named, tmp_path):
    """Most workers are no root: there the kernel itself counts the processes."""
    python = "/usr/bin/python3"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    if os.geteuid() != 0 or not os.access(python, os.X_OK):
        pytest.skip("only root can be someone else, with a Python that all may run")
    if (
        subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False).stdout
        != f"{version}\n"
    ):
        pytest.skip("the system's Python is of another version than the packages")
    source = """
import os, sys, time
from pathlib import Path
from headrace_skills.sandbox import Command, Limits, choose_sandbox
bomb = '''
import os, time
try:
    for _ in range(100):
        if os.fork() == 0:
            time.sleep(9); os._exit(0)
except OSError as error:
    print("held", error.errno)
'''
for name in sys.argv[1:]:
    sandbox = choose_sandbox(name)
    command = Command((sys.executable, "-c", bomb), Path("/usr/share"), limits=Limits(processes=20))
    outcome = sandbox.run_now(command)
    print(os.getuid(), name, outcome.stdout.decode().strip() or outcome.why)
    sandbox.end()
"""
    done = subprocess.run(
        [python, "-B", "-c", source, "bubblewrap", "landlock"],
        capture_output=True,
        text=True,
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
        timeout=60,
        check=False,
    )
    if "Permission denied" in done.stderr or "No module" in done.stderr:
        pytest.skip(f"this checkout is not open to others: {done.stderr[-200:]}")
    assert done.stdout.splitlines() == ["65534 bubblewrap held 11", "65534 landlock held 11"], done
