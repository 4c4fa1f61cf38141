"""Wheels for a zip: of ``vendor/``, of a registry, of the index; each is what was locked."""

from __future__ import annotations

import http.server
import threading
from functools import partial

import pytest

from headrace_registry.bundle._wheels import WheelSource
from headrace_registry.errors import BundleError, DownloadError, OfflineError
from headrace_registry.locking.install_plan import Step
from headrace_registry.locking.lock import LockedPackage, LockedWheel

from .made import Wheels, hexadecimal


@pytest.fixture
def wheels(tmp_path):
    return Wheels(tmp_path / "project")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def source(wheels, cache, **more):
    return WheelSource(wheels.folder, more.pop("clients", {}), cache, **more)


def step(path, *, origin="index", url=None, place=None, sha256=None, size=None):
    data = path.read_bytes()
    wheel = LockedWheel(path.name, sha256 or hexadecimal(data), size or len(data), url, place)
    return Step(LockedPackage("colours", "1.0", None, origin, (wheel,)), wheel)


@pytest.fixture
def index(tmp_path):
    """Serves a folder over HTTP; counts what is asked for."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    asked = []
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def served(wheels, index):
    """A wheel that only the index has, as a step."""
    folder, url, asked = index
    path = wheels.add("colours")
    there = path.rename(folder / path.name)
    return step(there, url=f"{url}/{path.name}"), there, asked


def got(wheels, cache, one, **more):
    found = source(wheels, cache, **more)
    try:
        return found.wheels([one])[0]
    finally:
        found.close()


# ---------------------------------------------------------------- vendor/
def test_a_vendored_wheel_is_taken_where_it_lies(wheels, cache):
    path = wheels.add("colours")
    assert got(wheels, cache, step(path, origin="vendor", place=f"vendor/{path.name}")) == path


def test_a_vendored_wheel_that_changed_is_refused(wheels, cache):
    path = wheels.add("colours")
    one = step(path, origin="vendor", place=f"vendor/{path.name}")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"is not the one that was locked\n  next: .*agents lock"):
        got(wheels, cache, one)


def test_a_vendored_wheel_that_is_missing_is_told(wheels, cache):
    path = wheels.add("colours")
    one = step(path, origin="vendor", place=f"vendor/{path.name}")
    path.unlink()
    with pytest.raises(BundleError, match=f"vendor/{path.name} is missing"):
        got(wheels, cache, one)


# ---------------------------------------------------------------- the index
def test_a_wheel_of_the_index_is_fetched_once(wheels, cache, served):
    one, there, asked = served
    first = got(wheels, cache, one)
    assert first.read_bytes() == there.read_bytes()
    assert got(wheels, cache, one) == first
    assert asked == [f"/{there.name}"]


def test_a_cached_wheel_needs_no_network(wheels, cache, served):
    one, there, _ = served
    got(wheels, cache, one)
    there.unlink()
    assert got(wheels, cache, one, offline=True).name == there.name


def test_offline_a_wheel_that_is_not_cached_is_told_and_how_to_get_it(wheels, cache, served):
    one, there, asked = served
    with pytest.raises(OfflineError, match=f"{there.name} is not in the cache.*\n.*\n  next: once"):
        got(wheels, cache, one, offline=True)
    assert asked == []


def test_a_cached_wheel_that_changed_is_fetched_anew(wheels, cache, served):
    one, there, asked = served
    got(wheels, cache, one).write_bytes(b"changed")
    assert got(wheels, cache, one).read_bytes() == there.read_bytes()
    assert len(asked) == 2


def test_another_wheel_under_the_locked_address_is_refused_and_not_kept(wheels, cache, served):
    one, there, _ = served
    there.write_bytes(b"x" * one.wheel.size)
    with pytest.raises(BundleError, match="not the one that was locked"):
        got(wheels, cache, one)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_longer_wheel_than_was_locked_is_not_read_to_its_end(wheels, cache, served):
    one, there, _ = served
    there.write_bytes(there.read_bytes() + bytes(10_000))
    with pytest.raises(DownloadError):
        got(wheels, cache, one)
    assert list(cache.rglob("*.whl")) == []


def test_a_wheel_that_the_index_lost_is_told(wheels, cache, served):
    one, there, _ = served
    there.unlink()
    with pytest.raises(DownloadError, match=there.name):
        got(wheels, cache, one)


def test_an_index_on_disk_is_read_in_place(wheels, cache):
    path = wheels.add("colours")
    assert got(wheels, cache, step(path, url=path.as_uri())) == path


def test_a_wheel_on_disk_that_changed_is_refused(wheels, cache):
    path = wheels.add("colours")
    one = step(path, url=path.as_uri(), sha256="0" * 64)
    with pytest.raises(BundleError, match=r"wheel of colours 1\.0 is not the one that was locked"):
        got(wheels, cache, one)


# ---------------------------------------------------------------- a registry
def test_a_registrys_wheel_comes_by_its_client(wheels, cache):
    path = wheels.add("colours")
    asked = []

    class Client:
        def fetch(self, package, file):
            asked.append((package, file.filename, file.sha256))
            return path

    assert got(wheels, cache, step(path, origin="house"), clients={"house": Client()}) == path
    assert asked == [("colours", path.name, hexadecimal(path.read_bytes()))]


# ---------------------------------------------------------------- progress
def test_progress_tells_the_bytes_that_are_there_and_are_to_be(wheels, cache):
    some = [
        step(path, origin="vendor", place=f"vendor/{path.name}")
        for path in (wheels.add("one"), wheels.add("two"))
    ]
    told = []
    found = source(wheels, cache, progress=lambda *numbers: told.append(numbers))
    found.wheels(some)
    total = sum(one.wheel.size for one in some)
    assert told[-1] == (total, total)
    assert {whole for _, whole in told} == {total}
