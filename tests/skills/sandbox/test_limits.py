"""What a command may use, and that nothing of it is left, in every sandbox."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from headrace_skills.sandbox import Command, Limits
from headrace_skills.sandboxes._none import NoSandbox

from ..conftest import running  # noqa: TID252 - helpers of all skills' tests
from .conftest import KINDS

MIB = 1024**2
WIDE = Limits(seconds=30, cpu_seconds=30)


def script(source: str, *arguments: str, limits: Limits = WIDE, **more) -> Command:
    argv = (sys.executable, "-s", "-B", "-c", textwrap.dedent(source), *arguments)
    return Command(argv, Path("/usr/share"), limits=limits, **more)


# ------------------------------------------------------------------ what it may use

GREEDY = {
    "processes": (
        """
        import os, time
        for _ in range(40):
            if os.fork() == 0:
                time.sleep(20); os._exit(0)
        time.sleep(1); print("DONE")
        """,
        {"processes": 20},
    ),
    "processes-that-leave-their-group": (
        """
        import os, time
        for _ in range(40):
            if os.fork() == 0:
                os.setsid(); time.sleep(20); os._exit(0)
        time.sleep(1); print("DONE")
        """,
        {"processes": 20},
    ),
    "threads": (
        """
        import threading, time
        for _ in range(40):
            threading.Thread(target=time.sleep, args=(1.2,)).start()
        time.sleep(1); print("DONE")
        """,
        {"processes": 20},
    ),
    "memory": ("b = bytearray(300 * 1024**2); print('DONE')", {"memory": 256 * MIB}),
    "memory-of-all": (
        """
        import os, time
        taken, tell = os.pipe()
        for _ in range(4):
            if os.fork() == 0:
                b = bytearray(b"x" * 60 * 1024**2)
                os.write(tell, b"x"); time.sleep(20); os._exit(0)
        for _ in range(4):
            os.read(taken, 1)
        time.sleep(2); print("DONE")
        """,
        {"resident": 128 * MIB},
    ),
    "a-long-file": (
        "open('f', 'wb').write(bytes(3 * 1024**2)); print('DONE')",
        {"file_size": 2 * MIB},
    ),
    "much-in-many-files": (
        """
        import time
        for n in range(20):
            open(f"{n}", "wb").write(b"x" * 1024**2)
        time.sleep(1); print("DONE")
        """,
        {"scratch_size": 8 * MIB},
    ),
    "open-files": (
        "f = [open('/dev/null') for _ in range(100)]; print('DONE')",
        {"open_files": 64},
    ),
    "time": ("import time; time.sleep(1.2); print('DONE')", {"seconds": 0.5}),
    "processor-time": (
        "import time\nwhile time.process_time() < 1.2: pass\nprint('DONE')",
        {"cpu_seconds": 1},
    ),
    "output": (
        """
        import time
        print("x" * 3 * 1024**2, flush=True); time.sleep(1); print("DONE")
        """,
        {"flood": MIB, "stdout": 8 * MIB},
    ),
    "errors": (
        """
        import sys, time
        sys.stderr.write("x" * 3 * 1024**2); sys.stderr.flush(); time.sleep(1); print("DONE")
        """,
        {"flood": MIB},
    ),
}


@pytest.mark.parametrize("kind", GREEDY)
def test_what_is_within_wide_limits_ends_at_narrow_ones(any_sandbox, kind):
    source, narrow = GREEDY[kind]
    wide = replace(WIDE, stdout=8 * MIB)
    assert b"DONE" in any_sandbox.run_now(script(source, limits=wide)).stdout
    outcome = any_sandbox.run_now(script(source, limits=replace(WIDE, **narrow)))
    assert b"DONE" not in outcome.stdout
    assert not outcome.ok


@pytest.mark.parametrize("shared", [False, True])
def test_many_files_end_a_command(any_sandbox, tmp_path, shared):
    source = """
    import time
    for n in range(60):
        open(f"{n}", "x").close()
    time.sleep(2); print("DONE")
    """
    limits = replace(WIDE, scratch_files=50)
    scratch = tmp_path if shared else None
    outcome = any_sandbox.run_now(script(source, limits=limits, scratch=scratch))
    assert outcome.ended == "limit"
    assert "more than 50 files" in outcome.why


def test_which_limit_it_was_is_said(any_sandbox):
    source, narrow = GREEDY["memory-of-all"]
    outcome = any_sandbox.run_now(script(source, limits=replace(WIDE, **narrow)))
    assert (outcome.ended, outcome.code) == ("limit", 0)
    assert f"{128 * MIB:,} bytes of memory" in outcome.why


def test_a_bomb_is_ended(isolating, tmp_path):
    """It stops by itself after a while, so that a lost fight harms no one."""
    marker = str(tmp_path / "bomb")
    source = """
    import os, time
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            pass
    """
    limits = replace(WIDE, processes=64)
    outcome = isolating.run_now(script(source, marker, limits=limits))
    assert outcome.ended in ("limit", "exit")
    assert running(marker) == []


# ------------------------------------------------------------------ nothing is left

LEAVING = {
    "a-session": "subprocess.Popen(SLEEP, start_new_session=True, **QUIET)",
    "an-orphan": """
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        os.execv(SLEEP[0], SLEEP)
    os._exit(0)
os.wait()
""",
    "a-job-of-a-shell": """
subprocess.run(["/bin/sh", "-c", 'nohup "$@" &', "sh", *SLEEP], **QUIET)
""",
    "one-that-heeds-no-signal": """
for number in range(1, 32):
    if number not in (9, 19):
        signal.signal(number, signal.SIG_IGN)
subprocess.Popen(SLEEP, restore_signals=False, start_new_session=True, **QUIET)
""",
    "one-that-holds-the-output": "subprocess.Popen(SLEEP, start_new_session=True)",
}
SLEEPING = """\
import os, signal, subprocess, sys
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
SLEEP = [sys.executable, "-ISc", "import time; time.sleep(600)", sys.argv[1]]
"""


@pytest.mark.parametrize("kind", LEAVING)
def test_what_outlives_a_bare_process_ends_with_its_command(any_sandbox, kind, tmp_path):
    source, marker = SLEEPING + LEAVING[kind], str(tmp_path / "marker")
    bare = subprocess.run(
        [sys.executable, "-c", source, marker],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )
    assert bare.returncode == 0
    left = running(marker)
    assert len(left) == 1
    os.kill(left[0], signal.SIGKILL)
    end = _end_of(left[0])
    assert end

    outcome = any_sandbox.run_now(script(source, marker + "-2"))
    assert outcome.ok, outcome
    assert running(marker + "-2") == []


def _end_of(pid: int) -> bool:
    """Wait for a process that is not ours to reap."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 20)[0])
    finally:
        os.close(descriptor)


FAMILY = """\
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    with open("ready", "w"): pass
    time.sleep(600)
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path):
    """A folder for FAMILY to work in, with a named pipe that tells that all of it runs."""
    folder = tmp_path / "shared"
    folder.mkdir()
    os.mkfifo(folder / "ready")
    return folder


def test_a_cancelled_command_leaves_nothing(any_sandbox, family, tmp_path):
    marker = str(tmp_path / "marker")

    async def main():
        task = asyncio.create_task(any_sandbox.run(script(FAMILY, marker, scratch=family)))
        await asyncio.to_thread((family / "ready").read_bytes)
        assert len(running(marker)) >= 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert running(marker) == []

    asyncio.run(main())


def test_a_command_that_takes_too_long_leaves_nothing(any_sandbox, family, tmp_path):
    marker = str(tmp_path / "marker")
    reader = threading.Thread(target=(family / "ready").read_bytes)
    reader.start()
    limits = replace(WIDE, seconds=2)
    outcome = any_sandbox.run_now(script(FAMILY, marker, limits=limits, scratch=family))
    reader.join()
    assert outcome.ended == "time"
    assert running(marker) == []


WORKER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[5:]
from headrace_skills.sandbox import Command, choose_sandbox
name, code, marker, scratch = sys.argv[1:5]
argv = (sys.executable, "-s", "-B", "-c", code, marker)
choose_sandbox(name).run_now(Command(argv, Path("/usr/share"), scratch=Path(scratch)))
"""


@pytest.mark.parametrize("name", KINDS)
def test_a_worker_that_is_killed_leaves_nothing(sandbox_named, name, family, tmp_path):
    sandbox_named(name)
    marker = str(tmp_path / "marker")
    worker = subprocess.Popen([sys.executable, "-c", WORKER, name, FAMILY, marker, str(family)])
    (family / "ready").read_bytes()
    pids = [pid for pid in running(marker) if pid != worker.pid]
    assert len(pids) >= 2
    worker.kill()
    worker.wait()
    assert all(map(_end_of, pids))


def test_a_keeper_that_is_killed_is_replaced(any_sandbox):
    sandbox = type(any_sandbox)()
    try:
        assert sandbox.run_now(script("print(1)")).stdout == b"1\n"
        keeper = sandbox._keeper._end.peek()[2][1]
        keeper.kill()
        keeper.wait()
        outcomes = [_outcome_or_none(sandbox) for _ in range(3)]
        assert outcomes[-1] == b"1\n"
    finally:
        sandbox.end()


def _outcome_or_none(sandbox):
    # The one that was ready when its keeper was killed may serve, or be gone.
    with suppress(Exception):
        return sandbox.run_now(script("print(1)")).stdout


# ------------------------------------------------------------------ its folder


def test_its_own_folder_is_empty_and_gone_afterwards(any_sandbox):
    source = "import os; print(os.listdir(), os.getcwd() == os.environ['HOME']); open('f', 'x')"
    for _ in range(2):
        assert any_sandbox.run_now(script(source)).stdout == b"[] True\n"


def test_commands_may_share_a_folder(any_sandbox, tmp_path):
    assert any_sandbox.run_now(script("open('f', 'w').write('kept')", scratch=tmp_path)).ok
    seen = any_sandbox.run_now(script("print(open('f').read())", scratch=tmp_path))
    assert seen.stdout == b"kept\n"
    assert (tmp_path / "f").read_text() == "kept"


def test_a_command_sees_no_descriptor_but_its_own_three():
    # Under Landlock there is no /proc to look at: what it inherits is the same as without.
    source = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    sandbox = NoSandbox()
    try:
        assert sandbox.run_now(script(source)).stdout == b"['0', '1', '2', '3']\n"
    finally:
        sandbox.end()


def test_many_run_side_by_side(any_sandbox):
    async def main():
        command = script("import os; open('mine', 'x'); print(len(os.listdir()))")
        return await asyncio.gather(*(any_sandbox.run(command) for _ in range(12)))

    assert {one.stdout for one in asyncio.run(main())} == {b"1\n"}
