"""Conflicts of packages as they are, from the real package index: Flink's limits above all.

What versions the index has changes from week to week; what is asserted holds as long as Flink 2.3
does.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseFile
from headrace_registry.errors import ConflictError
from headrace_registry.locking import Wanted, build_missing, resolve, vendored
from headrace_registry.settings import ProjectSettings, RegistrySettings, Target

pytestmark = pytest.mark.slow

FLINK = "apache-flink>=2.3,<2.4"
BUILD = ("crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2")
LINUX = Target("3.11", "linux/amd64")


@pytest.fixture(autouse=True)
def users_cache(own_cache, monkeypatch):
    """The user's own cache of uv: Flink is large."""
    monkeypatch.delenv("UV_CACHE_DIR")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with the packages built that Flink needs and that exist as source only."""
    folder = tmp_path_factory.mktemp("flink")
    settings = ProjectSettings(folder=folder, targets=(LINUX,), build=BUILD)
    build_missing(Wanted((), "", settings))
    return folder


def wanted(folder, *requirements, target=LINUX, build=BUILD, snapshots=None, registries=()):
    settings = ProjectSettings(
        folder=folder, targets=(target,), build=build, registries=tuple(registries)
    )
    return Wanted(
        tuple(map(Requirement, requirements)),
        "",
        settings,
        snapshots=snapshots or {},
        vendor=vendored(settings),
    )


def conflict(*arguments, **more):
    with pytest.raises(ConflictError) as raised:
        resolve(wanted(*arguments, **more))
    return raised.value


def tried(error, name):
    """The version of a package that was tried and found to settle it."""
    match = re.search(rf"it works with {name} (\S+): ", str(error))
    return None if match is None else Version(match[1])


@pytest.mark.parametrize(
    ("current", "limit", "who"),
    [
        ("protobuf>=6", "6", "apache-beam"),
        ("numpy>=2.2", "2.2", "apache-beam"),
        ("pyarrow>=17", "17", "apache-beam"),
        ("pandas>=3", "2.3", "apache-flink"),
        ("grpcio>=1.66", "1.66", "apache-beam"),
    ],
)
def test_flinks_limit_on(built, current, limit, who):
    error = conflict(built, FLINK, "typing-extensions", current)
    name = Requirement(current).name
    assert sorted(one.name for one in error.requirements) == sorted(["apache-flink", name])
    text = str(error)
    assert f"{name} is asked for by" in text
    assert f"the project: {Requirement(current).specifier}" in text
    assert who in text.partition("  uv:")[0]
    assert tried(error, name) < Version(limit)
    assert "it works without apache-flink" in text
    assert f"it works without {name}" in text


@pytest.mark.parametrize(
    ("package", "through"),
    [("tensorflow>=2.21", "protobuf"), ("grpcio-tools>=1.66", "grpcio")],
)
def test_a_package_whose_own_needs_are_beyond_flinks_limit_on(built, package, through):
    error = conflict(built, FLINK, package)
    assert f"{through} is asked for by" in str(error)
    name = Requirement(package).name
    assert tried(error, name) < Version(next(iter(Requirement(package).specifier)).version)


def test_a_package_for_a_later_python(tmp_path):
    error = conflict(tmp_path, "numpy>=2.4", target=Target("3.10", "linux/amd64"), build=())
    assert "is for Python >=3.11; locked is for Python 3.10 on linux/amd64" in str(error)
    assert tried(error, "numpy") < Version("2.4")


def test_a_package_without_a_wheel_for_the_platform(built):
    error = conflict(built, FLINK, target=Target("3.11", "linux/arm64"))
    assert "apache-flink 2.3.0 has no wheel for Python 3.11 on linux/arm64" in str(error)


def test_packages_that_must_be_built_are_named_all_at_once(tmp_path):
    text = str(conflict(tmp_path, FLINK, build=()))
    listed = re.search(r"build = \[(.*)\]", text)[1]
    assert listed == ", ".join(f'"{one}"' for one in BUILD)


def test_a_name_that_exists_nowhere(tmp_path):
    error = conflict(tmp_path, "headrace-no-such-package-at-all", build=())
    assert "no registry has it, and not the package index" in str(error)


def release(name, version, needs, extras=()):
    filename = f"{name}-{version}-py3-none-any.whl"
    digest = hashlib.sha256(filename.encode()).hexdigest()
    file = ReleaseFile(filename, 1, digest, digest, "")
    empty = dict.fromkeys(("summary", "license", "requires_python"), "")
    return Release(
        version=version,
        requires=tuple(needs),
        extras=extras,
        keywords=(),
        provides=(),
        skills=(),
        files=(file,),
        **empty,
    )


class Snapshot:
    """A catalogue with headrace-core as it is here, and a plugin for a later one."""

    registry = RegistrySettings("main", "https://registry.example.org", None)
    version = 1
    digest = "sha256:0"

    def __init__(self):
        needs = requires("headrace-core")
        core = Package("headrace-core", (release("headrace_core", "0.1.0", needs, ("flink",)),))
        plugin = Package("plugin-new", (release("plugin_new", "1.0", ["headrace-core>=9"]),))
        self.catalogue = Catalogue("main", (core, plugin))

    def file_url(self, package, file):
        return f"{self.registry.url}/files/{package}/{file.filename}"


OURS = {"snapshots": {"main": Snapshot()}, "registries": [Snapshot.registry]}


def test_a_plugin_for_a_core_that_does_not_exist_yet(tmp_path):
    text = str(conflict(tmp_path, "headrace-core", "plugin-new", build=(), **OURS))
    assert "main has no headrace-core >=9 (needed by plugin-new): it has 0.1.0" in text
    assert "it works without plugin-new" in text


def test_headrace_with_flink_is_locked_whole(built):
    lock = resolve(wanted(built, "headrace-core[flink]", **OURS))
    versions = {one.name: Version(one.version) for one in lock.packages}
    assert versions["apache-flink"] >= Version("2.3")
    assert versions["apache-beam"] == Version("2.61.0")
    assert versions["protobuf"] < Version("6")
    origins = {one.name: one.origin for one in lock.packages}
    assert {name for name, origin in origins.items() if origin == "vendor"} == {
        one.partition("==")[0] for one in BUILD
    }
    assert origins["headrace-core"] == "main"
    assert all(one.wheels for one in lock.packages)
