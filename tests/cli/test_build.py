"""`agents build`: real projects, real locks, and zips that are the same wherever they are built."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import zipfile

import pytest
from filelock import FileLock

from headrace_registry.bundle.signing import create_job_key

from ..jobs import PYTHON  # noqa: TID252 - tests are no package to name
from ..shop import Shop  # noqa: TID252

AGENT = """\
import helper
from headrace import Agent, Context, InputEvent, OutputEvent, action


class Echo(Agent):
    greeting: str = "hello"

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=helper.said(self.greeting, event.input)))
"""
HELPER = "def said(greeting, value):\n    return [greeting, value]\n"
JOB = """\
from echo_agent import Echo

from headrace.jobs import job


@job(Echo(), name="two streams")
def pipeline(env, plans):
    raise AssertionError("a pipeline is put together where it is submitted")
"""
FILES = {"echo_agent.py": AGENT, "helper.py": HELPER, "jobs.py": JOB, "notes.txt": "mine\n"}
TINY = ("headrace-core",)
PASSWORD = "HEADRACE_SIGNING_PASSWORD"  # noqa: S105 - a variable's name


def make(kit, folder, **more):
    more = {"agent": "echo_agent:Echo", "dependencies": TINY, "files": FILES, **more}
    return kit.project(folder, **more)


@pytest.fixture
def project(kit, tmp_path):
    """An agent over files, with a lock of nothing but headrace-core."""
    return make(kit, tmp_path / "echo")


@pytest.fixture
def build(kit, project):
    """`agents build --engine provided` there; gives what it printed."""

    def run(*arguments, check=True, **more):
        line = ("build", *arguments, "--engine", "provided")
        return kit.agents(*line, cwd=project, check=check, **more)

    return run


def names(path):
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def read(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


# ---------------------------------------------------------------- what it says and writes
def test_a_project_is_built_to_job_zip_and_its_size_is_told_by_part(project, build):
    said = build().stdout
    assert (project / "job.zip").is_file()
    assert f"Echo for Python {PYTHON} on linux/amd64, apache-flink 2.3" in said
    assert "the job's packages" in said
    assert "its code and files" in said
    assert "digest: sha256:" in said


def test_where_no_flink_is_locked_it_is_for_the_newest_line_and_says_how_to_choose(build):
    done = build()
    assert "so the job is for clusters of Flink 2.3" in done.stdout + done.stderr
    assert "apache-flink==LINE.*" in done.stdout + done.stderr


def test_a_job_with_streams_of_its_own_is_built_by_its_name(project, build):
    build("jobs:pipeline", "-o", "streams.zip")
    manifest = json.loads(read(project / "streams.zip", "job.json"))
    assert (manifest["name"], manifest["pipeline"]) == ("two streams", "jobs:pipeline")
    assert [one["agent"] for one in manifest["plans"]] == ["Echo"]
    assert "app/jobs.py" in names(project / "streams.zip")


def test_parameters_are_part_of_the_zip(project, build):
    build("--param", "greeting=hi")
    assert json.loads(read(project / "job.zip", "plans/Echo.json"))["parameters"] == {
        "greeting": "hi"
    }


def test_one_of_several_agents_in_yaml_is_built(project, build):
    agents = "agents:\n"
    for name in ("loud", "still"):
        agents += f"  {name}: {{class: 'echo_agent:Echo', parameters: {{greeting: {name}}}}}\n"
    (project / "agents.yaml").write_text(agents)
    (project / "shared.yaml").write_text("connections: {}\n")

    build("agents.yaml:still", "-f", "shared.yaml", "--param", "greeting=hm")

    assert json.loads(read(project / "job.zip", "plans/still.json"))["parameters"] == {
        "greeting": "hm"
    }
    assert "app/echo_agent.py" in names(project / "job.zip")


def test_programs_read_it_as_json(project, build):
    told = json.loads(build("--json").stdout)
    assert told["size"] == (project / "job.zip").stat().st_size
    assert told["manifest"] == json.loads(read(project / "job.zip", "job.json"))
    assert sum(told["parts"].values()) < told["size"]
    assert {one["path"] for one in told["code"]} == {"app/echo_agent.py", "app/helper.py"}
    assert not told["dry_run"]


def test_a_dry_run_tells_the_same_and_writes_nothing(project, build):
    before = sorted(one.name for one in project.iterdir())
    told = json.loads(build("--json", "--dry-run").stdout)
    assert sorted(one.name for one in project.iterdir()) == before
    assert told["digest"] == json.loads(build("--json").stdout)["digest"]


def test_a_dry_run_says_that_it_is_one(build):
    assert "job.zip would be" in build("--dry-run").stdout


def test_what_goes_in_and_why_is_told(build):
    said = build("--explain").stdout
    assert "headrace-core 0.1.0" in said
    assert "(every job needs it)" in said
    assert "(headrace-core requires it)" in said
    assert "app/helper.py  (echo_agent.py, line 1, imports it)" in said


def test_only_the_jobs_own_code_goes_in(project, build):
    build()
    own = {one for one in names(project / "job.zip") if one.startswith("app/")}
    assert own == {"app/echo_agent.py", "app/helper.py"}


# ---------------------------------------------------------------- the same anywhere
@pytest.mark.slow
def test_another_folder_user_umask_seed_time_and_a_cold_cache_give_the_same_bytes(
    kit, project, build, tmp_path
):
    build()
    elsewhere = make(kit, tmp_path / "some where" / "else")
    for path in elsewhere.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    before = os.umask(0o077)
    try:
        kit.agents(
            *("build", "--engine", "provided"),
            cwd=elsewhere,
            HOME=str(tmp_path),
            USER="somebody",
            PYTHONHASHSEED="7",
            SOURCE_DATE_EPOCH="1800000000",
            HEADRACE_CACHE_DIR=str(tmp_path / "cold"),
        )
    finally:
        os.umask(before)
    assert (elsewhere / "job.zip").read_bytes() == (project / "job.zip").read_bytes()


def test_building_over_a_zip_gives_the_same_bytes(project, build):
    build()
    first = (project / "job.zip").read_bytes()
    build()
    assert (project / "job.zip").read_bytes() == first


# ---------------------------------------------------------------- --check
@pytest.fixture
def built(build, project):
    """The project's zip, and `agents build --check` of it."""
    build()

    def check(*arguments, **more):
        return build("--check", "job.zip", *arguments, check=False, **more)

    return check


def test_a_zip_that_is_built_from_here_is_told_so(built):
    done = built()
    assert done.returncode == 0
    assert "job.zip is what is built from here, byte for byte" in done.stdout


def test_changed_code_is_told_by_its_file(project, built):
    (project / "helper.py").write_text(HELPER + "# changed\n")
    done = built()
    assert done.returncode == 1
    assert "app/helper.py" in done.stdout
    assert "echo_agent.py" not in done.stdout
    assert "job.zip is not what is built from here" in done.stderr


def test_changed_packages_are_told_by_their_names(project, built):
    with (project / "pyproject.toml").open("a") as file:
        file.write('\n[tool.agents.bundle]\nwithout = ["wcwidth"]\n')
    done = built("--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert not told["same"]
    assert any("wcwidth" in line for line in told["differences"])


def test_a_check_takes_target_and_engine_from_the_zip_and_writes_nothing(kit, project, built):
    before = {one: one.stat().st_mtime_ns for one in project.iterdir() if one.is_file()}
    done = kit.agents("build", "--check", "job.zip", "--json", cwd=project)
    assert json.loads(done.stdout)["same"]
    assert {one: one.stat().st_mtime_ns for one in project.iterdir() if one.is_file()} == before
    assert built().returncode == 0


def test_a_zip_that_was_changed_is_told_as_such(project, built):
    path = project / "job.zip"
    data = bytearray(path.read_bytes())
    data[data.index(b"def said")] ^= 1
    path.write_bytes(data)
    done = built()
    assert done.returncode == 1
    assert "app/helper.py" in done.stderr


def test_a_signature_is_nothing_that_a_check_minds(project, build, tmp_path):
    create_job_key(tmp_path / "keys", "secret")
    build("--sign", "--keys", tmp_path / "keys", **{PASSWORD: "secret"})
    done = build("--check", "job.zip")
    assert "byte for byte, but for its signature" in done.stdout


# ---------------------------------------------------------------- --sign
def test_a_signed_zip_is_one_that_its_key_verifies(kit, project, build, tmp_path):
    key = create_job_key(tmp_path / "keys", "secret")
    build("--sign", "--keys", tmp_path / "keys", **{PASSWORD: "secret"})
    done = kit.agents("verify", "job.zip", "--key", key, "--json", cwd=project)
    assert json.loads(done.stdout)["signer"] == key
    other = create_job_key(tmp_path / "others", "secret")
    done = kit.agents("verify", "job.zip", "--key", other, cwd=project, check=False)
    assert done.returncode == 1


def test_the_signing_key_can_be_named_by_the_environment(project, build, tmp_path):
    create_job_key(tmp_path / "keys", "secret")
    where = {"HEADRACE_SIGNING_KEYS": str(tmp_path / "keys"), PASSWORD: "secret"}
    build("--sign", **where)
    assert "job.json.dsse" in names(project / "job.zip")


# ---------------------------------------------------------------- the main job
@pytest.mark.slow
def test_the_main_jobs_zip_is_small_and_has_what_it_needs_and_no_more(triage_zip):
    found = names(triage_zip)
    assert triage_zip.stat().st_size < 80_000_000
    assert {
        "app/triage_agent.py",
        "app/policy.yaml",
        "app/skills/flink-triage/SKILL.md",
        "app/skills/flink-triage/scripts/classify.py",
        "site-packages/headrace_skills/__init__.py",
        "site-packages/headrace_scripted/__init__.py",
        "site-packages/pyflink/__init__.py",
    } <= found
    tops = {one.split("/")[1] for one in found if one.startswith("site-packages/")}
    assert not {"headrace_cli", "headrace_registry", "uv", "pytest", "click", "tuf"} & tops
    jars = {one.rpartition("/")[2] for one in found if one.endswith(".jar")}
    assert not any(one.startswith("flink") for one in jars)
    assert not any(one.endswith(".pyc") for one in found)
    assert not any("__pycache__" in one for one in found)
    assert not any(one.startswith("app/data/") for one in found)


@pytest.mark.slow
def test_without_the_engine_the_main_job_is_a_small_part_of_that(kit, tmp_path, triage_zip):
    path = kit.build(
        kit.triage(tmp_path / "triage"), "--engine", "provided", output=tmp_path / "p.zip"
    )
    assert path.stat().st_size < 15_000_000
    assert not any(one.startswith("site-packages/pyflink/") for one in names(path))
    assert any(one.startswith("site-packages/pyflink/") for one in names(triage_zip))


@pytest.mark.slow
def test_everything_that_is_shipped_has_its_licence(triage_zip):
    parts = json.loads(read(triage_zip, "sbom.cdx.json"))["components"]
    packages = json.loads(read(triage_zip, "job.json"))["packages"]
    licensed = {one["name"] for one in parts if one.get("licenses")}
    files = [one.lower() for one in names(triage_zip)]
    lacking = [
        one["name"]
        for one in packages
        if one["name"] not in licensed
        and not any(
            f"/{one['wheel'].lower().rsplit('-', 3)[0]}.dist-info/" in file
            and ("licen" in file or "copying" in file)
            for file in files
        )
    ]
    assert lacking == []


# ---------------------------------------------------------------- skills that are packages
@pytest.fixture(scope="session")
def skill_shop(kit):
    """A registry with skills, beside the kit's own."""
    folder = kit.folder / "skill-shop"
    with FileLock(f"{folder}.lock"):
        if not (folder / "site").is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            shop = Shop(folder, "skills")
            shop.skill("counting", files={"scripts/count.sh": "#!/bin/sh\nwc -l\n"})
            shop.skill("unasked")
            shop.build()
            for wheel in shop.wheels.glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(folder / "installed")
        shop = Shop.__new__(Shop)
        shop.folder, shop.title, shop.site = folder, "skills", folder / "site"
        return shop


@pytest.mark.slow
def test_a_skills_package_goes_in_when_the_plan_offers_it_and_else_stays_out(
    kit, skill_shop, tmp_path
):
    agent = AGENT.replace("action\n", "action, use\n", 1) + (
        "\n    def resources(self):\n"
        '        return {"skills": use("tools", "skills", skills=["counting"])}\n'
    )
    project = make(
        kit,
        tmp_path / "skilled",
        files={**FILES, "echo_agent.py": agent},
        dependencies=("headrace-core", "headrace-skills", "skill-counting", "skill-unasked"),
        beside=skill_shop,
    )
    done = kit.agents(
        *("build", "--engine", "provided", "--json"),
        cwd=project,
        PYTHONPATH=str(skill_shop.folder / "installed"),
    )
    told = json.loads(done.stdout)
    assert {one["name"]: one["why"] for one in told["manifest"]["packages"]}[
        "skill-counting"
    ] == "plan: skill counting"
    assert "skill-unasked" in {one["name"] for one in told["left_out"]}
    assert [one["name"] for one in told["manifest"]["skills"]] == ["counting"]
    shipped = {one for one in names(project / "job.zip") if "counting" in one}
    assert any(one.endswith("/SKILL.md") for one in shipped)
    assert any(one.endswith("/scripts/count.sh") for one in shipped)
    assert not any("unasked" in one for one in names(project / "job.zip"))


# ---------------------------------------------------------------- other targets
@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "platform", "machine"),
    [
        ("3.10", "linux/amd64", 62),  # EM_X86_64
        ("3.12", "linux/amd64", 62),
        ("3.11", "linux/arm64", 183),  # EM_AARCH64
    ],
)
def test_a_zip_is_made_for_its_target_and_not_for_this_machine(
    kit, tmp_path, python, platform, machine
):
    targets = (("3.10", "linux/amd64"), ("3.12", "linux/amd64"), ("3.11", "linux/arm64"))
    project = make(kit, tmp_path / "echo", targets=targets)
    kit.agents(
        *("build", "--engine", "provided", "--python", python, "--platform", platform),
        cwd=project,
    )
    (native,) = [one for one in names(project / "job.zip") if "/_pydantic_core.cpython-" in one]
    assert f"cpython-{python.replace('.', '')}-" in native
    head = read(project / "job.zip", native)[:20]
    assert head[:4] == b"\x7fELF"
    assert struct.unpack("<H", head[18:20]) == (machine,)
    kit.agents("verify", "job.zip", cwd=project)


@pytest.mark.slow
def test_the_right_target_is_found_by_one_of_its_halves(kit, tmp_path):
    targets = (("3.10", "linux/amd64"), ("3.12", "linux/amd64"), ("3.11", "linux/arm64"))
    project = make(kit, tmp_path / "echo", targets=targets)
    line = ("build", "--engine", "provided", "--dry-run", "--json")
    told = json.loads(kit.agents(*line, "--platform", "linux/arm64", cwd=project).stdout)
    assert told["manifest"]["python"] == "3.11"
    done = kit.agents(*line, "--platform", "linux/amd64", cwd=project, check=False)
    assert done.returncode == 2
    assert "choose one: --python 3.10 --platform linux/amd64" in done.stderr


# ---------------------------------------------------------------- another tool's view
@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_a_stock_unpacker_and_sha256sum_find_it_whole(project, build, tmp_path):
    build()
    subprocess.run(
        ["unzip", "-q", project / "job.zip", "-d", tmp_path / "out"],
        check=True,
    )
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / "out",
        check=True,
    )
