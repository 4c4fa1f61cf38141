"""What a registry reads from a wheel, and what it refuses."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from headrace_registry import Provided, WheelError, describe_wheel

METADATA = """Metadata-Version: 2.4
Name: Acme.Skills
Version: 1.2
Summary: Skills of Acme
License-Expression: MIT
Requires-Python: >=3.10
Requires-Dist: headrace-core<2,>=0.1
Requires-Dist: requests; extra == "http"
"""
ENTRY_POINTS = """[headrace.tools]
Clock = acme.tools:Clock
[headrace.skills]
triage = acme
[console_scripts]
acme = acme:main
"""


@pytest.fixture
def wheel(tmp_path):
    def make(name="acme_skills-1.2-py3-none-any.whl", **files):
        path = tmp_path / name
        content = {
            "acme_skills-1.2.dist-info/METADATA": METADATA,
            "acme_skills-1.2.dist-info/entry_points.txt": ENTRY_POINTS,
            "acme/.agents/skills/triage/SKILL.md": "---\nname: triage\n---\n",
            **{key.replace("__", "/"): value for key, value in files.items()},
        }
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in content.items():
                if text is not None:
                    archive.writestr(entry, text)
        return path

    return make


def test_names_what_a_wheel_provides_each_skill_once(wheel):
    assert describe_wheel(wheel()).provides == (
        Provided("skills", "triage", "acme/.agents/skills/triage/SKILL.md"),
        Provided("tools", "Clock", "acme.tools:Clock"),
    )


def test_gives_the_files_digest_and_size(wheel):
    path = wheel()
    entry = describe_wheel(path)
    data = path.read_bytes()
    assert (entry.sha256, entry.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_reads_the_metadata(wheel):
    entry = describe_wheel(wheel())
    assert (entry.name, entry.version, entry.license) == ("acme-skills", "1.2", "MIT")


def test_says_which_core_it_works_with(wheel):
    assert describe_wheel(wheel()).requires_core == "<2,>=0.1"


def test_a_wheel_that_says_nothing_of_the_core(wheel):
    metadata = METADATA.replace("Requires-Dist: headrace-core<2,>=0.1\n", "")
    path = wheel(**{"acme_skills-1.2.dist-info__METADATA": metadata})
    assert describe_wheel(path).requires_core is None


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"acme_skills-1.2.dist-info/METADATA": None}, "no METADATA"),
        (
            {"acme_skills-1.2.dist-info/METADATA": METADATA.replace("1.2", "1.3")},
            "METADATA says acme-skills 1.3",
        ),
        ({"acme_skills-1.2.dist-info/METADATA": "x" * (2 << 20)}, "larger than"),
        ({"acme_skills-1.2.dist-info/entry_points.txt": "no section"}, "entry_points.txt"),
        ({"other-1.dist-info/METADATA": METADATA}, "2 dist-info folders"),
        (
            {"acme_skills-1.2.dist-info/METADATA": METADATA + "Requires-Dist: a b c\n"},
            "requires 'a b c'",
        ),
    ],
)
def test_a_wheel_whose_parts_disagree_is_refused(wheel, files, why):
    with pytest.raises(WheelError, match=why):
        describe_wheel(wheel(**files))


def test_what_is_no_wheel_is_refused(tmp_path):
    path = tmp_path / "acme-1-py3-none-any.whl"
    path.write_text("no zip")
    with pytest.raises(WheelError, match="cannot be read as a wheel"):
        describe_wheel(path)


def test_a_file_that_is_not_named_like_a_wheel_is_refused(tmp_path):
    with pytest.raises(WheelError, match="wheel"):
        describe_wheel(tmp_path / "acme.zip")
