"""Zips built of wheels made by hand: the same bytes anywhere, whole, and refused where wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headrace.jobs.manifest import JobManifest
from headrace.plan import ResourceProvider
from headrace_registry.bundle.building import as_data
from headrace_registry.bundle.verifying import verify_zip
from headrace_registry.errors import BundleError, WheelError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from .made import ARM64, Project, content, entries, hexadecimal, plan

ROOT = Path(__file__).resolve().parents[3]
# Makes a project, with its files in the order that is asked for, and builds it.
BUILD = """\
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from packaging.requirements import Requirement
from tests.registry.bundle.made import Project
os.umask(int(sys.argv[2], 8))
folder = Path(sys.argv[1])
project = Project(folder / "project", folder / "cache")
project.add("fast", "1.0", "deep", files={{
    "fast/a.py": b"a = 1\\n" * 50, "fast/z.py": b"", "fast-1.0.data/scripts/fast": b"\\x7fELF" * 9,
}}, executable=("fast/a.py",))
project.add("deep", metadata="License: BSD\\n")
names = ["echo_agent", "helper", "other"]
for name in names if sys.argv[3] == "forwards" else reversed(names):
    if name == "echo_agent":
        project.agent("import fast\\nimport helper, other")
    else:
        project.write(**{{name: "value = 1\\n"}})
for path in project.folder.rglob("*.py"):
    os.utime(path, (int(sys.argv[4]),) * 2)
    path.chmod(0o666 & ~int(sys.argv[2], 8))
for _ in range(int(sys.argv[5])):  # the second finds a warm cache
    project.build(folder / "job.zip", requirements=(Requirement("fast"),))
"""


def built_apart(folder, umask="022", order="forwards", when=0, times=1, **environment):
    folder.mkdir(parents=True)
    code = BUILD.format(root=str(ROOT))
    some = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    arguments = [folder, umask, order, when, times]
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=some, check=True)
    return (folder / "job.zip").read_bytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return built_apart(tmp_path_factory.mktemp("reference") / "here")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


# ---------------------------------------------------------------- the same bytes
def test_the_folder_does_not_matter(reference, tmp_path):
    assert built_apart(tmp_path / "another place" / "deeper") == reference


@pytest.mark.parametrize("umask", ["000", "077"])
def test_the_umask_does_not_matter(reference, tmp_path, umask):
    assert built_apart(tmp_path / "here", umask=umask) == reference


def test_the_time_does_not_matter(reference, tmp_path):
    other = built_apart(tmp_path / "here", when=1_900_000_000, SOURCE_DATE_EPOCH="1700000000")
    assert other == reference


@pytest.mark.parametrize("seed", ["1", "2024"])
def test_the_hash_seed_does_not_matter(reference, tmp_path, seed):
    assert built_apart(tmp_path / "here", PYTHONHASHSEED=seed) == reference


def test_the_user_does_not_matter(reference, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    more = {"HOME": str(home), "USER": "somebody", "LOGNAME": "somebody", "TZ": "Asia/Tokyo"}
    assert built_apart(tmp_path / "here", LC_ALL="C", **more) == reference


def test_the_order_that_files_were_made_in_does_not_matter(reference, tmp_path):
    assert built_apart(tmp_path / "here", order="backwards") == reference


def test_a_warm_cache_does_not_matter(reference, tmp_path):
    assert built_apart(tmp_path / "here", times=2) == reference


# ---------------------------------------------------------------- what is in it
def test_the_zip_is_one_that_verifies(project):
    project.add("fast", files={"fast.py": b"", "fast-1.0.data/scripts/fast": b"\x7fELF"})
    built = project.build(packages=["fast"])
    verified = verify_zip(built.path)
    assert (verified.digest, verified.size) == (built.digest, built.size)
    assert verified.manifest == built.manifest


def test_it_has_the_parts_that_the_manifest_describes(project):
    names = set(entries(project.build().path))
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        "job.json", "SHA256SUMS", "app", "bin", "main.py", "plans", "pylock.toml",
        "sbom.cdx.json", "site-packages",
    }  # fmt: skip
    assert {"app/echo_agent.py", "bin/python", "plans/echo.json"} <= names


def test_sha256sum_takes_its_list(project, tmp_path):
    shutil.unpack_archive(project.build().path, tmp_path / "out")
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_digest_is_that_of_the_manifest_which_has_that_of_the_list(project):
    built = project.build()
    written = content(built.path, "job.json")
    assert built.digest == hexadecimal(written)
    assert json.loads(written)["sums"] == hexadecimal(content(built.path, "SHA256SUMS"))


def test_files_of_wheels_are_copied_packed_as_they_are(project):
    project.add("colours", files={"colours/words.txt": b"red " * 5000})
    built = project.build(packages=["colours"])
    wheel = entries(project.folder / "vendor/colours-1.0-py3-none-any.whl")["colours/words.txt"]
    ours = entries(built.path)["site-packages/colours/words.txt"]
    assert ours.compress_size == wheel.compress_size < 1000
    assert content(built.path, "site-packages/colours/words.txt") == b"red " * 5000


def test_run_bits_of_wheels_and_their_scripts_are_kept(project):
    project.add(
        "fast",
        files={"fast/run.sh": b"#!/bin/sh\n", "fast-1.0.data/scripts/fast": b"\x7fELF"},
        executable=("fast/run.sh",),
    )
    built = project.build(packages=["fast"])
    runs = ("bin/python", "site-packages/bin/fast", "site-packages/fast/run.sh")
    assert built.manifest.executables == runs
    modes = {name: one.external_attr >> 16 & 0o777 for name, one in entries(built.path).items()}
    assert {name for name, mode in modes.items() if mode == 0o755} == set(runs)
    assert set(modes.values()) == {0o755, 0o644}


def test_an_executable_of_the_project_keeps_its_run_bit(project):
    (project.folder / "tool.sh").write_text("#!/bin/sh\n")
    (project.folder / "tool.sh").chmod(0o700)
    built = project.build(include=["tool.sh"])
    assert entries(built.path)["app/tool.sh"].external_attr >> 16 == 0o100755


def test_licences_are_kept(project):
    project.add(
        "colours",
        files={"{info}/licenses/LICENSE": b"Be kind."},
        metadata="License-Expression: Apache-2.0\nLicense-File: LICENSE\n",
    )
    built = project.build(packages=["colours"])
    path = "site-packages/colours-1.0.dist-info/licenses/LICENSE"
    assert content(built.path, path) == b"Be kind."
    (package,) = [one for one in built.manifest.packages if one.name == "colours"]
    assert package.license == "Apache-2.0"


def test_the_zips_own_lock_holds_its_packages_for_its_target_only(project):
    project.add("colours")
    project.add("unused")
    lock = project.lock(ARM64, *project.lock().targets)
    built = project.build(packages=["colours"], lock=lock)
    own = tomllib.loads(content(built.path, "pylock.toml").decode())
    assert [one["name"] for one in own["packages"]] == ["colours", "headrace-core"]
    assert own["tool"]["agents"]["targets"] == [{"python": "3.11", "platform": "linux/amd64"}]


def test_one_source_makes_zips_of_several_targets(project):
    lock = project.lock(ARM64, *project.lock().targets)
    launchers = {
        target.platform: content(project.build(target=target, lock=lock).path, "bin/python")
        for target in lock.targets
    }
    assert b"aarch64" in launchers["linux/arm64"]
    assert b"x86_64" in launchers["linux/amd64"]


def test_connectors_go_in(project, tmp_path):
    jar = tmp_path / "flink-connector-files-4.0.jar"
    jar.write_bytes(b"PK\x05\x06" + bytes(18))
    built = project.build(jars=(jar,))
    assert built.manifest.jars == ("jars/flink-connector-files-4.0.jar",)
    assert content(built.path, built.manifest.jars[0]) == jar.read_bytes()


def test_what_each_part_weighs_adds_up_to_the_zip(project):
    project.add("colours", files={"colours.txt": os.urandom(50_000)})
    built = project.build(packages=["colours"])
    assert built.parts["packages"] > 50_000
    assert built.parts["engine"] == built.parts["jars"] == 0
    # Beside the entries a zip has its list, of 46 bytes and a name for each, and its end.
    listed = sum(46 + len(name.encode()) for name in entries(built.path)) + 22
    assert sum(built.parts.values()) + listed == built.size


def test_the_manifest_and_what_is_told_of_the_build_are_the_same_thing(project):
    built = project.build()
    told = as_data(built)
    assert JobManifest.model_validate(told["manifest"]) == built.manifest
    assert told["size"] == built.path.stat().st_size


def test_a_signature_is_made_over_the_manifest(project):
    signed = []
    built = project.build(sign=lambda data: signed.append(data) or b"signature")
    assert signed == [content(built.path, "job.json")]
    assert content(built.path, "job.json.dsse") == b"signature"


def test_a_signature_changes_nothing_else(project, tmp_path):
    plain = project.build(tmp_path / "plain.zip")
    signed = project.build(tmp_path / "signed.zip", sign=lambda _: b"signature")
    assert plain.digest == signed.digest
    names = set(entries(plain.path))
    assert set(entries(signed.path)) - names == {"job.json.dsse"}
    assert all(content(plain.path, one) == content(signed.path, one) for one in names)


# ---------------------------------------------------------------- refused
@pytest.fixture
def refused(project, tmp_path):
    """Builds, which has to fail; gives what is said. An older zip stays as it is."""

    def build(**more):
        output = tmp_path / "out" / "job.zip"
        output.parent.mkdir()
        output.write_bytes(b"older")
        with pytest.raises((BundleError, WheelError)) as caught:
            project.build(output, **more)
        assert output.read_bytes() == b"older"
        assert [one.name for one in output.parent.iterdir()] == ["job.zip"]
        return str(caught.value)

    return build


def test_a_target_that_the_lock_is_not_for_is_refused(project, refused):
    said = refused(target=ARM64, lock=project.lock())
    assert "the lock is not for Python 3.11 on linux/arm64" in said
    assert 'add { python = "3.11", platform = "linux/arm64" } to targets' in said


def test_a_wheel_that_changed_since_it_was_locked_is_refused(project, refused):
    path = project.add("colours")
    lock = project.lock()
    path.write_bytes(path.read_bytes() + b" ")
    said = refused(lock=lock, packages=["colours"])
    assert "vendor/colours-1.0-py3-none-any.whl is not the one that was locked" in said
    assert "next:" in said


def test_a_wheel_whose_record_lies_is_refused(project, refused):
    project.add("liar", unlisted={"liar/hidden.py": b""})
    assert "liar/hidden.py, which its RECORD does not list" in refused(packages=["liar"])


def test_two_packages_with_different_files_in_one_place_are_refused(project, refused):
    project.add("one", files={"shared/__init__.py": b"1"})
    project.add("two", files={"shared/__init__.py": b"2"})
    said = refused(packages=["one", "two"])
    assert "one and two both have a file site-packages/shared/__init__.py" in said
    assert "agents plugins why" in said


def test_two_packages_with_the_same_file_in_one_place_are_not(project):
    project.add("one", files={"shared/__init__.py": b""})
    project.add("two", files={"shared/__init__.py": b""})
    built = project.build(packages=["one", "two"])
    assert "site-packages/shared/__init__.py" in entries(built.path)


def test_an_environment_that_is_not_what_is_locked_is_refused(project, refused):
    project.add("acme-clock", "1.0")
    tool = ResourceProvider(
        kind="tools", name="clock", plugin="clock", target="acme_clock:Clock",
        distribution="acme-clock", version="2.0",
    )  # fmt: skip
    said = refused(plans={"echo": plan(tools={"clock": tool})})
    assert "compiled with acme-clock 2.0, and the lock has 1.0" in said
    assert "next: agents sync, then build again" in said


def test_an_agent_of_a_script_is_refused(project, refused):
    said = refused(plans={"echo": plan(module="__main__")})
    assert "defined in a script that was run" in said
    assert "MODULE:JOB" in said


def test_a_module_that_hides_a_package_of_the_zip_is_refused(project, refused):
    project.add("colours")
    project.agent("import colours").write(colours="hidden = True\n")
    said = refused(requirements=(Requirement("colours"),), packages=["colours"])
    assert "colours" in said
    assert "the job cannot be built:" in said


@pytest.mark.parametrize("name", ["flink-dist-2.3.0.jar", "flink-python-2.3.0.jar"])
def test_flinks_own_jars_are_refused(refused, tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x05\x06" + bytes(18))
    assert "Flink's own, which the cluster has" in refused(jars=(tmp_path / name,))


@pytest.mark.parametrize(
    ("name", "data"), [("a.txt", b"PK"), ("text.jar", b"no jar"), ("e.jar", b"")]
)
def test_what_is_no_jar_is_refused(refused, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert "is no jar file" in refused(jars=(tmp_path / name,))


def test_two_different_jars_of_one_name_are_refused(refused, tmp_path):
    jars = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        jars.append(tmp_path / str(number) / "same.jar")
        jars[-1].write_bytes(b"PK\x05\x06" + bytes([number]) * 18)
    assert "two different files would be called jars/same.jar" in refused(jars=tuple(jars))
