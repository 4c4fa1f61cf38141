"""Running scripts: by what, with what, how long, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from headrace.errors import ToolError
from headrace_skills import Skill, read_skill
from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Command, Limits, try_sandboxes
from headrace_skills.sandboxes import _choosing
from headrace_skills.sandboxes._none import NoSandbox

from .conftest import add_file, is_alive, running

PROBED = {"skill": "triage", "script": "probe.py"}

# A child of a child, in a session of its own, that has lost its parent; all keep stdout open.
FAMILY = """\
import os, sys, time
report = sys.argv[1]
def note():
    with open(report, "a") as file:
        file.write(f"{os.getpid()}\\n")
note()
if os.fork() == 0:
    note()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note()
            with open(report + ".ready", "w"): pass
            time.sleep(600)
        os._exit(0)
    time.sleep(600)
"""


@pytest.fixture
def family(tmp_path):
    """The processes that FAMILY tells of: a named pipe lets a test wait for the last."""
    report = tmp_path / "pids"
    os.mkfifo(f"{report}.ready")

    class Family:
        path = str(report)

        def pids(self):
            return [int(line) for line in report.read_text().split()]

        def wait(self):
            Path(f"{report}.ready").read_bytes()

    return Family()


def command(*argv, **limits) -> Command:
    return Command(argv, Path("/"), limits=Limits(**limits))


def run_in_sandbox(*argv, stdin=b"", **limits):
    async def main():
        sandbox = NoSandbox()
        try:
            return await sandbox.run(Command(argv, Path("/"), stdin, Limits(**limits)))
        finally:
            await sandbox.close()

    return asyncio.run(main())


# ------------------------------------------------------------------ whether, and what


def test_where_no_sandbox_works_the_run_is_refused_with_what_to_write(using, monkeypatch):
    class Broken(NoSandbox):
        def prepare(self, command):
            raise SandboxError("it is broken")

    monkeypatch.setattr(_choosing, "_BEST_FIRST", {"broken": Broken})
    with pytest.raises(ToolError, match='sandbox = "none"') as raised:
        using(lambda tools: tools.call("run_skill_script", PROBED), sandbox=None)
    assert "broken: it is broken" in str(raised.value)


def test_where_none_is_named_a_script_runs_in_the_best_that_works(using):
    best = next((one.name for one in try_sandboxes() if one.chosen), None)
    if best is None:
        pytest.skip(f"no sandbox works here: {try_sandboxes()}")
    arguments = {"skill": "triage", "script": "outside.sh"}

    async def write_outside(tools):
        add_file(tools._skills["triage"].root, "scripts/outside.sh", 'echo x > "$0.mine"')
        return await tools.call("run_skill_script", arguments)

    with pytest.raises(ToolError, match="exit code"):
        using(write_outside, sandbox=None)


def test_a_script_gets_its_arguments_its_input_and_nothing_else(using, scratches, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    arguments = {**PROBED, "args": ["--a", "b c; ls $(x)"], "stdin": "in é\n"}
    seen = json.loads(using(lambda tools: tools.call("run_skill_script", arguments)))
    assert seen["argv"] == ["--a", "b c; ls $(x)"]
    assert seen["stdin"] == "in é\n"
    assert seen["executable"] == sys.executable
    assert set(seen["env"]) - {"LC_CTYPE"} == {"PATH", "LANG", "HOME", "TMPDIR"}
    assert seen["env"]["HOME"] == seen["cwd"]
    assert seen["listed"] == []
    assert seen["fds"] == ["0", "1", "2", "3"], "the fourth is the listing itself"
    assert seen["sid"] == seen["pid"] != os.getsid(0)
    assert seen["memory"] == 2 * 1024**3
    assert seen["core"] == 0
    assert scratches() == []


@pytest.mark.parametrize(
    ("name", "source", "executable", "printed"),
    [
        ("a.py", "print('py')", False, "py\n"),
        ("a.py", "#!/usr/bin/env ruby\nprint('py')", False, "py\n"),
        ("a", "#!/usr/bin/env python3\nprint('py')", False, "py\n"),
        ("a.sh", "echo sh", False, "sh\n"),
        ("a.sh", "#!/bin/bash\necho ${BASH_VERSION:+bash}", False, "bash\n"),
        ("a.sh", "#!/usr/bin/env bash\necho ${BASH_VERSION:+bash}", False, "bash\n"),
        ("a.bash", "echo ${BASH_VERSION:+bash}", False, "bash\n"),
        ("tool", "#!/bin/cat\n", True, "#!/bin/cat\n"),
        ("deep/er.py", "print('py')", False, "py\n"),
        ("scripts/a.py", "print('py')", False, "py\n"),
    ],
)
def test_each_kind_of_script_has_its_program(skill, using, name, source, executable, printed):
    add_file(skill, f"scripts/{name.removeprefix('scripts/')}", source, executable=executable)
    arguments = {"skill": "triage", "script": name}
    assert using(lambda tools: tools.call("run_skill_script", arguments)) == printed


def test_a_script_imports_its_neighbours_and_writes_no_cache(skill, run):
    add_file(skill, "scripts/neighbour.py", "word = 'hello'")
    assert run("import neighbour; print(neighbour.word)") == "hello\n"
    assert not (skill / "scripts" / "__pycache__").exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("absent.py", "scripts/probe.py"),
        ("../references/codes.md", "relative"),
        ("../../../secret.txt", "relative"),
        ("/bin/sh", "relative"),
        ("scripts/../../x.py", "relative"),
        ("a\0b", "not the path"),
        ("", "not the path"),
        ("out.sh", "leads out"),
        ("up.py", "leads out"),
        ("data.json", "nothing here runs"),
        ("plain", "nothing here runs"),
        ("tool", "nothing here runs"),
        (".", "relative"),
    ],
)
def test_nothing_else_is_run(skill, using, script, told):
    add_file(skill, "other.py", "print('run')")
    add_file(skill, "scripts/data.json", "{}")
    add_file(skill, "scripts/plain", "echo", executable=True)
    add_file(skill, "scripts/tool", "#!/bin/cat\n")
    (skill / "scripts" / "out.sh").symlink_to("/bin/sh")
    (skill / "scripts" / "up.py").symlink_to("../other.py")
    with pytest.raises(ToolError, match=told):
        using(lambda tools: tools.call("run_skill_script", {**PROBED, "script": script}))


def test_a_scripts_folder_that_leads_out_has_no_scripts(skill, using, tmp_path):
    add_file(tmp_path / "elsewhere", "a.py", "print('run')")
    (skill / "scripts" / "probe.py").unlink()
    (skill / "scripts").rmdir()
    (skill / "scripts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="leads out"):
        using(lambda tools: tools.call("run_skill_script", {**PROBED, "script": "a.py"}))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"args": ["a\0b"]}, "NUL"),
        ({"args": ["x" * 70_000]}, "use stdin"),
        ({"stdin": "x" * 5_000_000}, "over"),
        ({"args": ["\ud800"]}, "surrogates"),
    ],
)
def test_what_cannot_be_given_to_a_program_is_told(using, more, told):
    with pytest.raises(ToolError, match=told):
        using(lambda tools: tools.call("run_skill_script", {**PROBED, **more}))


def test_a_script_may_not_read_all_its_input(run):
    assert run("print('done')", stdin="x" * 4_000_000) == "done\n"


# ------------------------------------------------------------------ how it ends


def test_what_is_printed_is_the_result(run):
    assert run("print('{\"a\": [1, 2]}')") == '{"a": [1, 2]}\n'
    assert run("import sys; print('x', end=''); print('note', file=sys.stderr)") == "x"
    assert "exit code 0) and printed nothing" in run("pass")
    assert run("import sys; print('note', file=sys.stderr)").endswith("on stderr:\nnote")
    assert run("import sys; sys.stdout.buffer.write(b'a\\xffb')") == "a\ufffdb"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sys; print('out'); sys.exit('why')", "exit code 1; the end of its stderr:\nwhy"),
        ("import sys; print('out'); sys.exit(3)", "exit code 3; it printed:\nout"),
        ("import os; os._exit(4)", "exit code 4; it printed nothing"),
        ("raise ValueError('bad')", "ValueError: bad"),
        ("import os; os.kill(os.getpid(), 15)", "signal SIGTERM"),
        ("import os; os.kill(0, 9)", "signal SIGKILL"),
        ("import os; os.kill(os.getppid(), 9); import time; time.sleep(600)", "signal SIGKILL"),
    ],
)
def test_a_failure_is_told_with_the_end_of_stderr(run, source, told):
    with pytest.raises(ToolError) as raised:
        run(source)
    assert told in str(raised.value)


def test_only_the_end_of_a_long_stderr_is_told(run):
    with pytest.raises(ToolError) as raised:
        run("import sys; sys.stderr.write('x' * 100_000 + 'the end'); sys.exit(1)")
    assert str(raised.value).endswith("the end")
    assert len(str(raised.value)) < 10_000
    assert "bytes before this]" in str(raised.value)


def test_a_long_output_is_cut_and_said_so(run):
    text = run("print('x' * 200_000)")
    assert text.endswith(f"\n[cut: {200_001 - 65_536} more bytes of stdout]")


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_a_flood_is_ended(run, where):
    with pytest.raises(ToolError, match="since it printed"):
        run(f"import sys\nwhile True: sys.{where}.write('y' * 65536)")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("b = bytearray(3 * 1024**3)", "MemoryError"),
        ("f = open('big', 'wb')\nfor _ in range(80): f.write(bytes(1024**2))", "File too large"),
        ("f = [open('/dev/null') for _ in range(400)]", "Too many open files"),
    ],
)
def test_limits_hold(run, source, told):
    with pytest.raises(ToolError, match=told):
        run(source)


def test_processor_time_is_limited():
    outcome = run_in_sandbox(sys.executable, "-c", "while True: pass", cpu_seconds=1)
    assert (outcome.ended, outcome.code) == ("signal", signal.SIGXCPU)


def test_what_cannot_be_started_is_told(skill, using):
    add_file(skill, "scripts/tool", "#!/no/such/program\n", executable=True)
    with pytest.raises(ToolError, match="cannot be started: No such file"):
        using(lambda tools: tools.call("run_skill_script", {**PROBED, "script": "tool"}))


# ------------------------------------------------------------------ nothing is left


def test_a_time_limit_ends_children_of_children(run, family, scratches):
    # The last of the family waits until its word is read, so that all of them are there.
    reader = threading.Thread(target=family.wait)
    reader.start()
    with pytest.raises(ToolError, match="longer than its time limit"):
        run(FAMILY + "time.sleep(600)", args=[family.path], timeout=3.0)
    reader.join()
    assert len(family.pids()) == 3
    assert not any(map(is_alive, family.pids()))
    assert scratches() == []


def test_what_a_script_leaves_running_ends_with_it(run, family):
    waits = f"open({family.path!r} + '.ready').read(); print('done')"
    assert run(FAMILY + waits, args=[family.path]) == "done\n"
    assert len(family.pids()) == 3
    assert not any(map(is_alive, family.pids()))


@pytest.mark.parametrize(
    "source",
    [
        "while True:\n    if os.fork(): os._exit(0)\n    os.setsid()",
        "for _ in range(6): os.fork()\nos.setsid()\ntime.sleep(600)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: time.sleep(600)",
    ],
    ids=["runs-away", "multiplies", "blocks-signals"],
)
def test_what_does_not_want_to_end_is_ended(run, tmp_path, source):
    marker = str(tmp_path / "marker")
    first = "import os, signal, time\nif os.fork(): time.sleep(600)\n"
    with pytest.raises(ToolError, match="time limit"):
        run(first + source, args=[marker], timeout=1.0)
    assert running(marker) == []


def test_a_cancelled_run_leaves_nothing(skill, using, family, scratches):
    add_file(skill, "scripts/family.py", FAMILY + "time.sleep(600)")
    arguments = {"skill": "triage", "script": "family.py", "args": [family.path]}

    async def cancelled(tools):
        task = asyncio.create_task(tools.call("run_skill_script", arguments))
        await asyncio.to_thread(family.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(map(is_alive, family.pids()))
        assert scratches() == []

    using(cancelled)
    assert len(family.pids()) == 3


def test_a_run_that_waits_for_its_turn_is_cancelled_at_once(family, tmp_path):
    async def main():
        sandbox = NoSandbox(at_once=1)
        code = FAMILY + "time.sleep(600)"
        first = asyncio.create_task(sandbox.run(command(sys.executable, "-c", code, family.path)))
        await asyncio.to_thread(family.wait)
        mark = tmp_path / "mark"
        second = asyncio.create_task(sandbox.run(command("/bin/touch", str(mark))))
        third = asyncio.create_task(sandbox.run(command("/bin/touch", str(mark))))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await sandbox.close()
        assert (await first).ended == (await third).ended == "stopped"
        assert not mark.exists()
        assert not any(map(is_alive, family.pids()))

    asyncio.run(main())


def test_closing_ends_what_runs_and_refuses_more(skill, using, family):
    add_file(skill, "scripts/family.py", FAMILY + "time.sleep(600)")
    arguments = {"skill": "triage", "script": "family.py", "args": [family.path]}

    async def closed(tools):
        task = asyncio.create_task(tools.call("run_skill_script", arguments))
        await asyncio.to_thread(family.wait)
        await tools.close()
        assert not any(map(is_alive, family.pids()))
        with pytest.raises(ToolError, match="stopped before it ended"):
            await task
        with pytest.raises(ToolError, match="not open"):
            await tools.call("run_skill_script", PROBED)

    using(closed)


def test_a_worker_that_is_killed_leaves_nothing(family, tmp_path):
    program = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from headrace_skills.sandboxes._none import NoSandbox
        from headrace_skills.sandbox import Command
        code, report = sys.argv[1:]
        command = Command((sys.executable, "-c", code, report), Path("/"))
        asyncio.run(NoSandbox().run(command))
    """)
    code = FAMILY + "time.sleep(600)"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", program, code, family.path],
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    family.wait()
    pids = family.pids()
    assert all(map(is_alive, pids))
    assert len(list(temporary.iterdir())) == 1
    warden = int(Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
    worker.kill()
    worker.wait()
    # Its end is told by the process's own descriptor: no poll, no sleep.
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(warden)
        select.select([descriptor], [], [], 20)
        os.close(descriptor)
    assert not any(map(is_alive, pids))
    assert list(temporary.iterdir()) == []


def test_runs_are_side_by_side_and_their_folders_apart(skill, using):
    source = "import os, sys; open('mine', 'w'); print(os.getcwd(), len(os.listdir('.')))"
    add_file(skill, "scripts/one.py", source)

    async def many(tools):
        calls = [
            tools.call("run_skill_script", {"skill": "triage", "script": "one.py"})
            for _ in range(20)
        ]
        return await asyncio.gather(*calls)

    results = [line.split() for line in using(many)]
    assert len({folder for folder, _ in results}) == 20
    assert {count for _, count in results} == {"1"}


def test_a_loop_that_is_turned_by_several_threads_is_enough(skill):
    """An engine turns its loop now in one thread, now in another, none of them the main one."""
    loop = asyncio.new_event_loop()
    found = read_skill(skill)
    assert isinstance(found, Skill)
    sandbox = NoSandbox()
    task = loop.create_task(sandbox.run(command("/bin/echo", "hello")))

    def turn(until):
        thread = threading.Thread(target=loop.run_until_complete, args=(until,))
        thread.start()
        thread.join()

    turn(asyncio.sleep(0))
    turn(task)
    assert task.result().stdout == b"hello\n"
    turn(sandbox.close())
    loop.close()
