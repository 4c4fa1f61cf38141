"""A bash whose every program tells that it was started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from headrace_skills.sandbox import Outcome
from headrace_skills.shell import (
    DEFAULT_COMMANDS,
    CheckedCommand,
    ShellRefusedError,
    ShellRules,
    bash_program,
)
from headrace_skills.shell._running import compare_readings

FOLDERS = tuple(map(Path, ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")))
# What no machine has, and what a machine may lack.
MORE = ("pwned", "python3", "python", "perl", "git", "curl", "busybox", "gzip", "xz", "bzip2")
# It logs its name, and is then the real program where that is one of the allowed: it may start
# others, which are found among the shims again. It does not wait.
SHIM = """\
#!/bin/sh
name=${{0##*/}}
printf '%s\\n' "$name" >> {log}
case $name in sleep) exit 0 ;; {real}) [ -x "/usr/bin/$name" ] && exec "/usr/bin/$name" "$@" ;; esac
exit 0
"""
HELPERS = {
    "tar": {"gzip", "bzip2", "xz"},
    "gunzip": {"gzip"},
    "zcat": {"gzip"},
    "egrep": {"grep"},
    "fgrep": {"grep"},
    "bzcat": {"bzip2"},
}
"""What allowed programs are made of."""


class Machine:
    """Runs commands in a folder of their own, with shims for all programs."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.shims = folder / "shims"
        self.shims.mkdir()
        self._room = folder / "room"
        self._number = 0
        self.left: set[str] = set()  # what the last command left in its folder
        shim = folder / "shim"
        real = "|".join(sorted(DEFAULT_COMMANDS - {"[", "sleep"}))
        shim.write_text(SHIM.format(log=self.log, real=real))
        shim.chmod(0o755)
        names = {file.name for one in FOLDERS if one.is_dir() for file in one.iterdir()}
        for name in {*names, *MORE, *DEFAULT_COMMANDS}:
            (self.shims / name).symlink_to(shim)

    def agrees(self, checked: CheckedCommand) -> bool:
        """Whether bash reads a command as the check did."""
        done = subprocess.run(
            [bash_program(), "--noprofile", "--norc", "--pretty-print", "-p"],
            check=False,
            input=checked.text.encode(),
            env={"LANG": "C.UTF-8"},
            capture_output=True,
            timeout=20,
        )
        out, err = done.stdout, done.stderr
        outcome = Outcome("exit", done.returncode, out, len(out), err, len(err))
        try:
            compare_readings(checked, outcome, ShellRules())
        except ShellRefusedError:
            return False
        return True

    def started(self, command: str) -> set[str]:
        """Run a command; tells which programs were started."""
        self._number += 1
        work = self._room / str(self._number) / "work"
        (work / "sub").mkdir(parents=True)
        (work / "a.txt").write_text("one\ntwo\nthree\n")
        (work / "b.txt").write_text("x=1\n")
        (work / "data.csv").write_text("k,v\na,2\nb,1\n")
        (work / "data.json").write_text('[{"name": "n"}]')
        self.log.write_text("")
        process = subprocess.Popen(
            [bash_program(), "--noprofile", "--norc", "-p", "-c", "--", command],
            cwd=work,
            env={"PATH": str(self.shims), "HOME": str(work), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):  # a loop without an end is allowed
                process.wait(5)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.left = {entry.name for entry in work.iterdir()}
        outside = {entry.name for entry in work.parent.iterdir()} - {"work"}
        shutil.rmtree(work.parent, ignore_errors=True)
        assert not outside, f"{command!r} wrote {outside} outside of its folder"
        return set(self.log.read_text().split())


def explained(programs: tuple[str, ...]) -> set[str]:
    """The programs that may be seen to start when these are named."""
    return {*programs}.union(*(HELPERS.get(name, set()) for name in programs))
