"""Which sandbox is taken, and what is said where none works."""

from __future__ import annotations

import pytest

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Sandbox, choose_sandbox, try_sandboxes
from headrace_skills.sandboxes import _choosing
from headrace_skills.sandboxes._bubblewrap import Bubblewrap
from headrace_skills.sandboxes._landlock import LandlockSandbox
from headrace_skills.sandboxes._none import NoSandbox


class Broken(NoSandbox):
    def prepare(self, command):
        raise SandboxError("it is broken")


@pytest.fixture
def broken(monkeypatch):
    """Makes sandboxes break, as on a machine that has not what they need."""
    _choosing._try.cache_clear()
    yield lambda *names: [monkeypatch.setitem(_choosing._BEST_FIRST, n, Broken) for n in names]
    monkeypatch.undo()
    _choosing._try.cache_clear()


def chosen(name=None) -> type[Sandbox]:
    sandbox = choose_sandbox(name)
    sandbox.end()
    return type(sandbox)


@pytest.mark.parametrize("name", [None, "auto"])
def test_bubblewrap_is_the_best(sandbox_named, name):
    sandbox_named("bubblewrap")
    assert chosen(name) is Bubblewrap


def test_landlock_is_taken_where_bubblewrap_does_not_work(sandbox_named, broken):
    sandbox_named("landlock")
    broken("bubblewrap")
    assert chosen() is LandlockSandbox
    by_name = {one.name: one for one in try_sandboxes()}
    assert not by_name["bubblewrap"].works
    assert by_name["bubblewrap"].detail == "it is broken"
    assert [one.name for one in by_name.values() if one.chosen] == ["landlock"]


def test_where_none_works_it_is_refused_with_the_reasons_and_the_way_without(broken):
    broken("bubblewrap", "landlock")
    with pytest.raises(SandboxError) as raised:
        choose_sandbox()
    said = str(raised.value)
    assert "bubblewrap: it is broken" in said
    assert "landlock: it is broken" in said
    assert 'sandbox = "none"' in said
    assert "agents doctor" in said
    assert not any(one.chosen for one in try_sandboxes())


def test_one_that_is_named_and_does_not_work_is_not_replaced_by_another(broken):
    broken("bubblewrap")
    with pytest.raises(SandboxError, match="'bubblewrap' does not work here: it is broken"):
        choose_sandbox("bubblewrap")


def test_no_isolation_is_taken_only_by_its_name():
    assert chosen("none") is NoSandbox


def test_one_that_there_is_not_is_told_with_those_that_there_are():
    with pytest.raises(SandboxError, match="there are bubblewrap, landlock, none"):
        choose_sandbox("jail")


def test_trying_is_done_once(monkeypatch, broken):
    tries = []
    broken("bubblewrap", "landlock")
    monkeypatch.setattr(Broken, "run_now", _fail(tries))
    for _ in range(3):
        with pytest.raises(SandboxError):
            choose_sandbox()
    assert len(tries) == 2


def _fail(tries):
    def run_now(self, command):
        tries.append(command)
        raise SandboxError("no")

    return run_now


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_landlock_is_refused(sandbox_named, monkeypatch, version):
    """It lets files be cut short that may only be read (before Linux 6.2)."""
    from headrace_skills.sandboxes._inside import _walls

    sandbox_named("landlock")
    monkeypatch.setattr(_walls, "landlock_version", lambda: version)
    with pytest.raises(_walls.WallError, match=f"version {version}, and 3 is needed"):
        _walls.put_up_walls([], [])


def test_a_plugins_sandbox_is_found_by_its_name(tmp_path, monkeypatch):
    info = tmp_path / "cell-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cell\nVersion: 1.0\n")
    (info / "RECORD").write_text("")
    (info / "entry_points.txt").write_text(
        "[headrace.sandboxes]\ncell = cell_sandbox:Cell\nwrong = cell_sandbox:wrong\n"
    )
    (tmp_path / "cell_sandbox.py").write_text(
        "from headrace_skills.sandbox import Sandbox\n"
        "class Cell(Sandbox):\n    async def run(self, command): ...\n"
        "def wrong(): return 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert type(choose_sandbox("cell")).__name__ == "Cell"
    with pytest.raises(SandboxError, match=r"sandboxes.wrong of cell 1.0 gives a int"):
        choose_sandbox("wrong")
