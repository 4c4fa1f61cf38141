"""Scripts that declare packages: run with those that are there, and with nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import zipfile

import pytest

from headrace_skills import SkillError, SkillFormatError, SkillNotGrantedError, read_skill
from headrace_skills._script_packages import (
    RUNNING,
    find_uv,
    folder_name,
    prepare,
    requirements_of,
    unmet,
)
from headrace_skills._scripts import ScriptRunner
from headrace_skills.needs import Grants
from headrace_skills.sandbox import Limits, choose_sandbox

from .conftest import add_file, write_skill

INLINE = """\
# /// script
# requires-python = "{python}"
# dependencies = [{packages}]
# ///
import greeting
print(greeting.WORD)
"""


def script(*packages: str, python: str = ">=3.10") -> str:
    return INLINE.format(python=python, packages=", ".join(f'"{one}"' for one in packages))


def write_wheel(folder, name, version, word):
    """Write a wheel with one module, `greeting`."""
    info = f"{name}-{version}.dist-info"
    files = {
        "greeting.py": f"WORD = {word!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        hashed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        record += f"{path},sha256={hashed},{len(text)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The only place that packages come from: no network is used."""
    folder = tmp_path / "wheels"
    write_wheel(folder, "greeting", "1.0", "hello")
    write_wheel(folder, "greeting", "2.0", "welcome")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    return folder


@pytest.fixture
def skill_with(tmp_path):
    def make(source, *, declared="", name="greet"):
        front = f"name: {name}\ndescription: Greets.\n"
        if declared:
            front += f"metadata:\n  headrace-dependencies: '{declared}'\n"
        folder = write_skill(tmp_path / "skills" / name, front)
        add_file(folder, "scripts/greet.py", source)
        return read_skill(folder)

    return make


def run(skill, *, sandbox="none", **more):
    async def main():
        chosen = choose_sandbox(sandbox)
        try:
            return await ScriptRunner(chosen, Limits(seconds=20), **more).run(
                skill, "greet.py", (), ""
            )
        finally:
            await chosen.close()

    return asyncio.run(main())


# ------------------------------------------------------------------ what is asked for


def test_a_script_asks_for_what_it_says_and_what_its_skill_says(skill_with):
    skill = skill_with(script("Greeting>=1,<2", "other[b,A]"), declared="Third_Party==3")
    assert requirements_of(skill, "scripts/greet.py") == (
        "greeting<2,>=1",
        "other[a,b]",
        "third-party==3",
    )


def test_a_script_that_says_nothing_asks_for_nothing(skill_with):
    assert requirements_of(skill_with("print(1)"), "scripts/greet.py") == ()


def test_another_python_is_refused(skill_with):
    with pytest.raises(SkillFormatError, match=r"greet is for Python >=4; scripts run with"):
        requirements_of(skill_with(script("greeting", python=">=4")), "scripts/greet.py")


def test_a_broken_block_is_told_with_its_script(skill_with):
    with pytest.raises(SkillFormatError, match=r"the script scripts/greet.py of the skill greet"):
        requirements_of(skill_with("# /// script\n# x = [\n# ///\n"), "scripts/greet.py")


def test_a_folder_is_named_by_what_it_holds():
    one = folder_name(["b", "A>=1,<2"])
    assert one == folder_name(["a<2,>=1", "B", "b"])
    assert len({one, folder_name(["a>=1"]), folder_name(["b", "A>=1,<2"], "3.9")}) == 3
    assert one.isalnum()


def test_what_is_installed_is_met_and_what_is_not_is_told():
    assert unmet(["PyYAML>=5", "packaging", "nothing; python_version < '3'"]) == ()
    asked = ["pyyaml>=999", "no-such-package", "packaging"]
    assert unmet(asked) == ("pyyaml>=999", "no-such-package")


# ------------------------------------------------------------------ how it is had


def test_packages_are_prepared_and_found_again(skill_with, index, tmp_path):
    skill = skill_with(script("greeting<2"))
    folder = prepare(requirements_of(skill, "scripts/greet.py"), tmp_path / "packages")
    assert (folder / "greeting.py").read_text() == "WORD = 'hello'\n"
    outcome = run(skill, packages=tmp_path / "packages")
    assert outcome.stdout == b"hello\n", outcome


def test_prepared_packages_are_seen_in_a_sandbox_and_not_written(skill_with, index, tmp_path):
    source = script("greeting") + "open(greeting.__file__, 'a')\n"
    skill = skill_with(source)
    prepare(["greeting"], tmp_path / "packages")
    outcome = run(skill, sandbox=None, packages=tmp_path / "packages")
    assert outcome.stdout == b"welcome\n"
    assert b"OSError" in outcome.stderr or b"PermissionError" in outcome.stderr


def test_two_scripts_may_want_two_versions(skill_with, index, tmp_path):
    for wanted in ("greeting<2", "greeting>=2"):
        prepare([wanted], tmp_path)
    said = {
        run(skill_with(script(one)), packages=tmp_path).stdout
        for one in ("greeting<2", "greeting>=2")
    }
    assert said == {b"hello\n", b"welcome\n"}


def test_what_the_agent_has_already_needs_no_preparation(skill_with):
    source = script("PyYAML>=5").replace("greeting", "yaml").replace("WORD", "__name__")
    assert run(skill_with(source)).stdout == b"yaml\n"


def test_what_is_not_there_is_refused_with_the_command_that_brings_it(skill_with, tmp_path):
    with pytest.raises(SkillError) as raised:
        run(skill_with(script("no-such-package>=1")), packages=tmp_path / "packages")
    said = str(raised.value)
    assert "no-such-package>=1" in said
    assert f"agents skills prepare greet --into {tmp_path / 'packages'}" in said


def test_a_failed_preparation_leaves_nothing(index, tmp_path):
    into = tmp_path / "packages"
    with pytest.raises(SkillError, match="no-such-package"):
        prepare(["greeting", "no-such-package"], into)
    assert list(into.iterdir()) == []


def test_a_prepared_folder_stays_as_it_is(index, tmp_path, monkeypatch):
    folder = prepare(["greeting"], tmp_path / "packages")
    written = (folder / "greeting.py").stat()
    assert prepare(["Greeting"], tmp_path / "packages", uv="/no/such/uv") == folder
    assert (folder / "greeting.py").stat() == written
    note = json.loads((folder / "headrace-packages.json").read_text())
    assert note == {"python": RUNNING, "requirements": ["greeting"]}


def test_source_is_never_built(tmp_path, index):
    """Building runs code of the package."""
    project = tmp_path / "evil-1.0"
    project.mkdir()
    (project / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'x')")
    (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    import tarfile

    with tarfile.open(index / "evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(project, "evil-1.0")
    with pytest.raises(SkillError, match="evil"):
        prepare(["evil"], tmp_path / "packages")
    assert not (tmp_path / "ran").exists()


def test_uv_is_found_beside_python_or_told_to_be_missing(monkeypatch, tmp_path):
    assert os.access(find_uv(), os.X_OK)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SkillError, match="pip install uv"):
        find_uv()


# ------------------------------------------------------------------ what is granted


@pytest.fixture
def asking(tmp_path):
    """A skill that asks for a variable."""
    front = "name: asks\ndescription: Asks.\nmetadata:\n  headrace-environment: ASKED_TOKEN"
    folder = write_skill(tmp_path / "skills" / "asks", front)
    add_file(
        folder,
        "scripts/greet.py",
        "import os; print([os.environ.get(n) for n in ('ASKED_TOKEN', 'OTHER_TOKEN')])",
    )
    return read_skill(folder)


def test_what_is_asked_and_not_granted_is_refused_with_the_lines_to_add(asking):
    with pytest.raises(SkillNotGrantedError, match=r"\[tool.agents.grants.asks\]"):
        run(asking)


def test_a_script_gets_what_is_asked_and_granted_and_no_more(asking, monkeypatch):
    monkeypatch.setenv("ASKED_TOKEN", "t0ken")
    monkeypatch.setenv("OTHER_TOKEN", "hidden")
    grants = {"asks": Grants(environment=("ASKED_TOKEN", "OTHER_TOKEN"))}
    assert run(asking, grants=grants).stdout == b"['t0ken', None]\n"


def test_python_is_not_told_of_a_users_packages(skill_with):
    source = "import sys; print(sys.flags.no_user_site, sys.flags.dont_write_bytecode)"
    assert run(skill_with(source)).stdout == b"1 1\n"
