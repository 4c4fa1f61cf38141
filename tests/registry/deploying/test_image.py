"""The image: what it is built from, its layers, and what must be there before it is used."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.jobs.manifest import FilesIO
from headrace_registry.deploying import DeployError, Files

from .conftest import PROVIDED, lock_of

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PLATFORM = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
KNOWN = {"ARG", "FROM", "USER", "COPY", "RUN", "LABEL"}


def steps(text):
    """The instructions of a Dockerfile: each with its words."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1]) for line in joined.splitlines()]


def stages(text):
    """The instructions of each stage, by its name; of the last one under None."""
    found, name = {}, "before"
    for word, rest in steps(text):
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else None
        found.setdefault(name, []).append((word, rest))
    return found


def dockerfile(folder):
    return folder.texts["Dockerfile"]


def shell_of(text):
    return " && ".join(rest for word, rest in steps(text) if word == "RUN")


def requirement(name, version):
    sha256 = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    return {"name": name, "version": version, "wheel": wheel, "sha256": sha256}


# ---------------------------------------------------------------- the Dockerfile
def test_it_has_known_instructions_only(workshop):
    words = {word for word, _ in steps(dockerfile(workshop.kubernetes()))}
    assert words == KNOWN


def test_what_it_copies_is_there_and_is_sent_to_the_builder(workshop):
    folder = workshop.kubernetes()
    out = workshop.written(folder)
    first, *sent = (out / ".dockerignore").read_text().split()
    copied = set()
    for word, rest in steps(dockerfile(folder)):
        if word == "COPY" and not rest.startswith("--from="):
            copied |= set(rest.split()[:-1])
    assert first == "*"
    assert {f"!{name}" for name in copied} == set(sent)
    assert all((out / name).is_file() for name in copied)


def test_its_stages_are_there_before_they_are_used(workshop):
    known = set()
    for word, rest in steps(dockerfile(workshop.kubernetes())):
        if word == "FROM" and " AS " in rest:
            known.add(rest.split(" AS ")[1])
        if word == "COPY" and rest.startswith("--from="):
            assert rest.split()[0].removeprefix("--from=") in known


def test_it_begins_with_the_stock_images_of_the_jobs_versions(workshop):
    text = dockerfile(workshop.kubernetes())
    assert ("ARG", "FLINK_IMAGE=flink:2.3.0-java17") in steps(text)
    assert ("ARG", "PYTHON_IMAGE=python:3.11-slim-bookworm") in steps(text)


def test_the_engine_is_a_layer_below_the_jobs(workshop):
    last = stages(dockerfile(workshop.kubernetes()))[None]
    copied = [rest for word, rest in last if word == "COPY"]
    assert copied == [
        "--from=unpacked /build/out/engine/ /opt/job/",
        "--from=unpacked /build/out/job/ /opt/job/",
    ]


def test_it_runs_as_flinks_user(workshop):
    last = stages(dockerfile(workshop.kubernetes()))[None]
    assert [rest for word, rest in last if word == "USER"] == ["flink"]


def test_the_build_ends_where_a_worker_would_not_start(workshop):
    """It loads what Flink's own start of a worker loads: the module is there in this Flink."""
    last = stages(dockerfile(workshop.kubernetes()))[None]
    word, rest = last[-1]
    program, flag, code = shlex.split(rest)
    assert (word, program, flag) == ("RUN", "/opt/job/bin/python", "-c")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    boot = Path(importlib.util.find_spec("pyflink.fn_execution.beam").origin).parent
    assert "beam_sdk_worker_main" in code
    assert "import beam_sdk_worker_main" in (boot / "beam_boot.py").read_text()


def test_flinks_side_of_python_is_loaded_once_and_not_by_each_job(workshop):
    text = shell_of(dockerfile(workshop.kubernetes()))
    assert "ln -sf /opt/flink/opt/flink-python-2.3.0.jar /opt/flink/lib/" in text


def test_its_commands_are_whole(workshop):
    """Each is read by a shell, which would find a quote that is not closed."""
    job = workshop.subject(skills=[SKILL])
    text = shell_of(dockerfile(workshop.kubernetes(job=job, checkpoints="s3://bucket/x")))
    done = subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_base_of_ones_own_takes_the_place_of_the_stock_images(workshop):
    text = dockerfile(workshop.kubernetes(base="registry.example.com/flink-python:2.3.0-1"))
    assert ("ARG", "FLINK_IMAGE=registry.example.com/flink-python:2.3.0-1") in steps(text)
    assert "python" not in stages(text)


@pytest.mark.parametrize(
    ("uri", "plugin"),
    [
        ("s3://bucket/x", "flink-s3-fs-hadoop"),
        ("gs://bucket/x", "flink-gs-fs-hadoop"),
        ("abfss://box@account.dfs.core.windows.net/x", "flink-azure-fs-hadoop"),
    ],
)
def test_the_plugin_that_reads_the_checkpoints_is_on(workshop, uri, plugin):
    text = shell_of(dockerfile(workshop.kubernetes(checkpoints=uri)))
    assert f"cp /opt/flink/opt/{plugin}-2.3.0.jar /opt/flink/plugins/{plugin}/" in text


def test_the_plugins_that_read_and_write_the_jobs_files_are_on(workshop):
    io = FilesIO(input="gs://box/in", output="s3://box/out")
    job = workshop.subject(pipeline=None)
    text = shell_of(dockerfile(workshop.kubernetes(job=job, files=Files(io))))
    for plugin in ("flink-gs-fs-hadoop", "flink-s3-fs-hadoop"):
        assert f"/opt/flink/opt/{plugin}-2.3.0.jar" in text


def test_no_plugin_is_on_that_nothing_needs(workshop):
    assert "/opt/flink/plugins" not in dockerfile(workshop.kubernetes())


SKILL = {
    "name": "tables",
    "origin": "skill-tables",
    "digest": "0",
    "commands": ["jq", "git"],
    "network": [],
}


def test_the_programs_of_skills_are_looked_for_at_the_build(workshop):
    text = shell_of(dockerfile(workshop.kubernetes(job=workshop.subject(skills=[SKILL]))))
    assert {"jq", "git"} == {
        words[2] for one in text.split("&&") if (words := shlex.split(one))[:2] == ["command", "-v"]
    }


# ---------------------------------------------------------------- the two parts of a zip
@pytest.fixture
def unpacked(workshop):
    """A zip as the image's build unpacks it, by the file that travels with it."""

    def unpack(name="out", **changes):
        folder = workshop.kubernetes(
            job=workshop.subject(f"{name}.zip", python=HERE, platform=PLATFORM, **changes)
        )
        out = workshop.written(folder, name)
        shutil.rmtree(out / "built", ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-S", "unpack.py", "job.zip", "engine.txt", "built"],
            cwd=out,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return out / "built"

    return unpack


def tree(folder):
    """Each file with its content's digest, mode and time."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            oct(path.stat().st_mode & 0o777),
            int(path.stat().st_mtime),
        )
        for path in sorted(folder.rglob("*"))
    }


def test_the_engines_packages_are_apart_from_the_jobs(unpacked):
    built = unpacked()
    engine = {path.name for path in (built / "engine/site-packages").iterdir()}
    job = {path.name for path in (built / "job/site-packages").iterdir()}
    assert engine == {
        "pyflink",
        "apache_flink-2.3.0.dist-info",
        "py4j",
        "py4j-0.10.9.7.dist-info",
    }
    assert job >= {"headrace", "acme"}
    assert not engine & job


def test_every_file_of_the_zip_is_in_one_of_them(workshop, unpacked):
    import zipfile

    built = unpacked()
    with zipfile.ZipFile(workshop.folder / "out.zip") as archive:
        wanted = {name: archive.read(name) for name in archive.namelist()}
    found = {}
    for part in ("engine", "job"):
        for path in (built / part).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                found[path.relative_to(built / part).as_posix()] = path.read_bytes()
    assert found == wanted


def test_another_job_of_the_same_engine_has_the_same_engine_layer(unpacked):
    """Byte for byte, with times and modes: a registry then keeps and sends it once."""
    other = unpacked("other", change=lambda files: files.files.update({"app/echo.py": b"x = 2\n"}))
    first = unpacked("first")
    assert tree(other / "engine") == tree(first / "engine")
    assert tree(other / "job") != tree(first / "job")


def test_the_launcher_keeps_its_run_bit(unpacked):
    built = unpacked()
    assert os.access(built / "job/bin/python", os.X_OK)
    assert not (built / "job/main.py").stat().st_mode & 0o111


def test_bytecode_is_made_for_the_place_where_it_will_lie(unpacked):
    import marshal

    built = unpacked()
    (path,) = (built / "engine/site-packages/pyflink/__pycache__").glob("__init__.*.pyc")
    code = marshal.loads(path.read_bytes()[16:])  # noqa: S302 - what this test had made
    assert code.co_filename == "/opt/job/site-packages/pyflink/__init__.py"


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"python": "3.10" if HERE != "3.10" else "3.12"}, HERE), ({"platform": None}, "--platform")],
)
def test_the_build_ends_in_an_image_that_the_job_is_not_for(workshop, changes, told):
    other = {"linux/amd64": "linux/arm64", "linux/arm64": "linux/amd64"}[PLATFORM]
    target = {"python": HERE, "platform": PLATFORM, **changes}
    target["platform"] = target["platform"] or other
    out = workshop.written(workshop.kubernetes(job=workshop.subject(**target)))
    done = subprocess.run(
        [sys.executable, "-S", "unpack.py", "job.zip", "engine.txt", "built"],
        cwd=out,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert not (out / "built").exists()


# ---------------------------------------------------------------- a zip without its engine
ENGINE = [
    requirement("apache-flink", "2.3.0"),
    requirement("apache-flink-libraries", "2.3.0"),
    requirement("py4j", "0.10.9.7"),
    requirement("pytest", "9.0"),
]


@pytest.fixture
def provided(workshop):
    return workshop.subject(engine=PROVIDED)


def test_the_engine_is_installed_by_the_hashes_of_the_projects_lock(workshop, provided):
    lock = workshop.folder / "pylock.toml"
    lock.write_text(lock_of(ENGINE))
    folder = workshop.kubernetes(job=provided, lock=lock)
    listed = folder.texts["requirements.txt"].replace("\\\n", " ").split("\n")
    assert [line.split() for line in listed if line] == [
        [f"{one['name']}=={one['version']}", f"--hash=sha256:{one['sha256']}"]
        for one in (ENGINE[0], ENGINE[2])
    ]
    assert "-m pip install" in shell_of(dockerfile(folder))
    assert "--require-hashes" in shell_of(dockerfile(folder))


def test_wheels_that_the_project_built_go_along(workshop, provided):
    lock = workshop.folder / "pylock.toml"
    lock.write_text(lock_of(ENGINE, vendor=("py4j",)))
    built = workshop.folder / "vendor" / ENGINE[2]["wheel"]
    built.parent.mkdir()
    built.write_bytes(b"py4j 0.10.9.7")
    out = workshop.written(workshop.kubernetes(job=provided, lock=lock))
    assert (out / built.name).read_bytes() == b"py4j 0.10.9.7"
    assert f"COPY requirements.txt {built.name} /build/" in (out / "Dockerfile").read_text()


def test_one_that_is_another_than_the_locks_is_refused(workshop, provided):
    lock = workshop.folder / "pylock.toml"
    lock.write_text(lock_of(ENGINE, vendor=("py4j",)))
    built = workshop.folder / "vendor" / ENGINE[2]["wheel"]
    built.parent.mkdir()
    built.write_bytes(b"something else")
    with pytest.raises(DeployError, match=r"is not there, or is another one"):
        workshop.kubernetes(job=provided, lock=lock)


def test_a_lock_with_another_flink_is_refused(workshop, provided):
    lock = workshop.folder / "pylock.toml"
    lock.write_text(lock_of([requirement("apache-flink", "2.2.0")]))
    with pytest.raises(DeployError, match=r"has apache-flink 2\.2\.0, and the job is for 2\.3\.0"):
        workshop.kubernetes(job=provided, lock=lock)


def test_a_base_that_has_the_engine_needs_no_lock(workshop, provided):
    folder = workshop.kubernetes(job=provided, base="own/flink-python:1")
    assert folder.texts["engine.txt"] == ""
    assert "pip install" not in dockerfile(folder)


def test_without_either_it_is_refused_with_what_the_job_needs(workshop, provided):
    with pytest.raises(DeployError) as caught:
        workshop.kubernetes(job=provided)
    assert "grpcio>=1.60" in str(caught.value)
    assert "--lock pylock.toml" in str(caught.value)


def test_a_zip_that_says_it_brings_its_engine_and_does_not_is_refused(workshop):
    def drop(files):
        files.packages = [one for one in files.packages if one["name"] != "apache-flink"]

    with pytest.raises(DeployError, match="has no apache-flink"):
        workshop.kubernetes(job=workshop.subject(change=drop))


def test_the_record_says_which_job_it_is(workshop):
    job = workshop.subject()
    out = workshop.written(workshop.kubernetes(job=job))
    assert json.loads((out / "deploy.json").read_text())["digest"] == job.digest
    assert f'LABEL headrace.job.digest="{job.digest}"' in (out / "Dockerfile").read_text()
