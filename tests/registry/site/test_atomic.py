"""A command that is killed leaves a whole site, and two at once lose nothing.

Real processes are killed with SIGKILL, at their n-th change of the file system: what they do is
counted by Python's audit hooks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from headrace_registry.errors import BusyError
from headrace_registry.site import build_site, publish
from headrace_registry.site._swapping import locked

from .conftest import assert_whole, catalogue, run_python, tree

KILLED = """
import os, signal, sys
from pathlib import Path
from headrace_registry.site import build_site
site, limit, exchange, *wheels = sys.argv[1:]
limit, count, swaps = int(limit), 0, []
CHANGES = {"os.mkdir", "os.link", "os.rename", "os.rmdir", "os.remove", "os.chmod", "open"}
def hook(event, arguments):
    global count
    swapping = event == "ctypes.dlsym" and arguments[1] == "renameat2"
    if swapping and exchange == "no":
        raise OSError("there is no such function here")
    inside = event in CHANGES and (
        os.path.dirname(site) in str(arguments[0]) or isinstance(arguments[0], (bytes, int))
    )
    if swapping or inside:
        count += 1
        if swapping or event == "os.rename" and site in map(str, arguments[:2]):
            swaps.append(count)
        if count == limit:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
build_site([Path(one) for one in wheels], Path(site), pages=False)
print(count, *swaps)
"""


@pytest.fixture
def killed(workshop, site, tmp_path):
    """Build over a site, killed at the n-th change; it has the trees that the site may have."""
    first, second = workshop.plain(), workshop.plain("other")
    build_site([first], tmp_path / "before", pages=False)
    build_site([first, second], tmp_path / "after", pages=False)

    def run(limit: int, exchange: str, spare: str) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(site.parent, ignore_errors=True)
        shutil.copytree(tmp_path / "before", site)
        if spare == "yes":
            shutil.copytree(site, site.with_name(".site.spare"), copy_function=os.link)
        return run_python(KILLED, site, limit, exchange, second)

    run.trees = (tree(tmp_path / "before"), tree(tmp_path / "after"))
    run.wheel, run.later = second, workshop.plain(version="2.0")
    return run


@pytest.mark.slow
@pytest.mark.parametrize(("exchange", "spare"), [("yes", "no"), ("no", "no"), ("yes", "yes")])
def test_a_kill_at_any_step_leaves_the_old_site_or_the_new_one(killed, site, exchange, spare):
    before, after = killed.trees
    last, *swaps = map(int, killed(0, exchange, spare).stdout.split())
    assert tree(site) == after
    assert len(swaps) == {"yes": 1, "no": 2}[exchange]
    # An event comes just before what it tells of.
    seen = []
    for step in (2, swaps[0] // 2, *swaps, swaps[-1] + 1, (swaps[-1] + last) // 2, last):
        assert killed(step, exchange, spare).returncode == -9, step
        seen.append(tree(site) if site.exists() else None)
        build_site([killed.wheel], site)  # which mends what was left
        assert tree(site) == after, step
        left = {one.name for one in site.parent.iterdir()} - {".site.lock", ".site.spare"}
        assert left == {"site"}, step
        publish(killed.later, site)
        assert_whole(site)
    between = [] if exchange == "yes" else [None]
    assert seen == [before, before, before, *between, after, after, after]


@pytest.mark.slow
def test_two_publishes_at_once_both_come_in(workshop, site):
    build_site([workshop.plain()], site, pages=False)
    code = """
import sys
from pathlib import Path
from headrace_registry.site import publish
publish(Path(sys.argv[2]), Path(sys.argv[1]))
"""
    wheels = [workshop.plain(f"other{number}") for number in range(4)]
    running = [
        subprocess.Popen([sys.executable, "-c", code, site, wheel], stderr=subprocess.PIPE)
        for wheel in wheels
    ]
    for one in running:
        assert one.communicate()[1] == b""
    assert_whole(site)
    names = [one["name"] for one in catalogue(site)["packages"]]
    assert names == ["acme", "other0", "other1", "other2", "other3"]


@pytest.mark.slow
def test_a_build_that_is_killed_while_it_reads_leaves_the_site_free(workshop, site):
    code = """
import sys
from pathlib import Path
from headrace_registry.site import build_site
build_site([Path(one) for one in sys.argv[2:]], Path(sys.argv[1]), progress=lambda *_: print(1))
"""
    wheels = [workshop.skill(f"skill{number}", body="Say it.\n" * 2000) for number in range(48)]
    running = subprocess.Popen(
        [sys.executable, "-u", "-c", code, site, *wheels], stdout=subprocess.PIPE
    )
    running.stdout.readline()  # it has read one, and its processes are at work
    running.kill()
    running.communicate()
    with locked(site, wait=20):
        assert not site.exists()


def test_a_site_that_is_being_changed_is_busy(site, tmp_path):
    site.mkdir(parents=True)
    busy = pytest.raises(BusyError, match="another command changes")
    with locked(site), busy, locked(site, wait=0.01):
        pass


def test_a_failed_change_leaves_nothing_beside_the_site(workshop, site):
    build_site([workshop.plain()], site, pages=False)

    class Broken:
        def sign(self, site, files, now):
            raise RuntimeError("no key")

    before = tree(site)
    with pytest.raises(RuntimeError, match="no key"):
        publish(workshop.plain("other"), site, signer=Broken())
    assert tree(site) == before
    assert {one.name for one in site.parent.iterdir()} - {".site.lock"} == {"site"}
