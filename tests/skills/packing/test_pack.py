"""A folder made into a wheel: what it is called, what it says of itself, what is in it."""

from __future__ import annotations

import base64
import csv
import hashlib
import os

import pytest
from packaging.metadata import Metadata

from headrace_skills import SkillBrokenError, SkillError, SkillFormatError
from headrace_skills.packing import PackingError, pack

from .conftest import BODY, FRONT, add

SKILL = "skill_pdf/.agents/skills/pdf"


def with_front(*lines):
    return "\n".join([FRONT, *lines])


# ------------------------------------------------------------------ what is in it


def test_a_wheel_has_the_skill_by_the_convention_and_as_an_entry_point(folder, wheel):
    made = wheel(folder(files={"references/forms.md": "Forms."}))
    assert made.filename == "skill_pdf-1.2.0-py3-none-any.whl"
    assert made.names == [
        f"{SKILL}/SKILL.md",
        f"{SKILL}/references/forms.md",
        "skill_pdf/__init__.py",
        "skill_pdf-1.2.0.dist-info/METADATA",
        "skill_pdf-1.2.0.dist-info/WHEEL",
        "skill_pdf-1.2.0.dist-info/entry_points.txt",
        "skill_pdf-1.2.0.dist-info/RECORD",
    ]
    assert made.text("INFO/entry_points.txt") == "[headrace.skills]\npdf = skill_pdf\n"
    assert made.text(f"{SKILL}/references/forms.md") == "Forms."


def test_the_record_lists_each_file_with_its_sum(folder, wheel):
    made = wheel(folder(files={'a "quoted", name.md': "x"}))
    rows = list(csv.reader(made.text("INFO/RECORD").splitlines()))
    assert [row[0] for row in rows] == made.names
    for name, digest, size in rows[:-1]:
        data = made.zip.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(data)))
    assert rows[-1][1:] == ["", ""]


def test_run_bits_are_kept_and_other_bits_are_not(folder, wheel):
    root = folder()
    add(root, "scripts/run.sh", "#!/bin/sh\n", mode=0o700)
    add(root, "scripts/data.txt", "", mode=0o666)
    made = wheel(root)
    assert oct(made.mode(f"{SKILL}/scripts/run.sh")) == "0o100755"
    assert oct(made.mode(f"{SKILL}/scripts/data.txt")) == "0o100644"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".git/config", "version control"),
        ("scripts/__pycache__/run.cpython-311.pyc", "a cache"),
        ("scripts/run.pyc", "a cache"),
        (".venv/pyvenv.cfg", "a cache"),
        (".DS_Store", "left by a desktop"),
        ("._SKILL.md", "left by a desktop"),
        ("SKILL.md~", "left by an editor"),
        (".SKILL.md.swp", "left by an editor"),
        ("#SKILL.md#", "left by an editor"),
        (".idea/workspace.xml", "left by an editor"),
        (".env", "it may hold secrets"),
        (".env.local", "it may hold secrets"),
        (".ssh/id_ed25519", "it may hold secrets"),
        ("keys/id_rsa", "it may hold secrets"),
    ],
)
def test_what_tools_leave_and_secrets_stay_out_and_are_told(folder, path, why):
    (skill,) = pack([folder(files={path: "x"})]).skills
    assert skill.files == ("SKILL.md",)
    ((out, reason),) = [(one.path, one.why) for one in skill.left_out]
    assert path.startswith(out)
    assert reason == why


@pytest.mark.parametrize(
    "path",
    [".gitignore", ".env.example", "assets/.eslintrc", ".config/x", "env", "bak", "Ünïcode.md"],
)
def test_other_files_are_packed_hidden_ones_too(folder, path):
    (skill,) = pack([folder(files={path: "x"})]).skills
    assert (path in skill.files, skill.left_out) == (True, ())


def test_links_within_the_folder_become_what_they_lead_to(folder, wheel):
    root = folder(files={"references/a.md": "A", "scripts/run.sh": "#!/bin/sh\n"})
    (root / "scripts/run.sh").chmod(0o755)
    (root / "b.md").symlink_to("references/a.md")
    (root / "again").symlink_to("scripts")
    made = wheel(root)
    assert made.text(f"{SKILL}/b.md") == "A"
    assert made.mode(f"{SKILL}/again/run.sh") == 0o100755


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../secret.txt", "leads out"),
        ("/etc/passwd", "leads out"),
        ("..", "leads out"),
        ("absent.md", "leads to nothing"),
        ("link", "leads to nothing"),
        (".", "a folder that it is in"),
    ],
)
def test_a_link_that_leads_anywhere_else_is_refused(folder, tmp_path, target, why):
    (tmp_path / "secret.txt").write_text("secret")
    root = folder()
    (root / "link").symlink_to(target)
    with pytest.raises(PackingError, match=f"'link.*{why}"):
        pack([root])


def test_a_link_does_not_let_a_secret_in(folder):
    root = folder(files={".env": "TOKEN=1"})
    (root / "notes.md").symlink_to(".env")
    (skill,) = pack([root]).skills
    assert skill.files == ("SKILL.md",)


def test_a_named_pipe_is_refused_and_holds_nobody_up(folder):
    root = folder()
    os.mkfifo(root / "pipe")
    with pytest.raises(PackingError, match="'pipe' is neither a file nor a folder"):
        pack([root])


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "zero\u200bwidth", "tag\U000e0041"])
def test_a_name_that_not_every_system_can_hold_is_refused(folder, name):
    with pytest.raises(PackingError, match="not every system"):
        pack([folder(files={name: "x"})])


def test_a_name_that_is_not_utf8_is_refused(folder):
    root = folder()
    (root / os.fsdecode(b"\xff.md")).touch()
    with pytest.raises(PackingError, match="not every system"):
        pack([root])


@pytest.mark.parametrize(("one", "other"), [("A.md", "a.md"), ("Caf\u00e9", "Cafe\u0301")])
def test_two_names_that_are_one_elsewhere_are_refused(folder, one, other):
    with pytest.raises(PackingError, match="one file where case does not count"):
        pack([folder(files={one: "x", other: "y"})])


def test_more_files_than_are_listed_of_a_skill_are_refused(folder):
    root = folder(files={f"f/{number}": "" for number in range(4000)})
    with pytest.raises(PackingError, match="more than 4,000 files"):
        pack([root])


def test_a_folder_that_is_no_skill_is_refused(tmp_path):
    (tmp_path / "plain").mkdir()
    with pytest.raises(SkillBrokenError, match=r"no SKILL\.md"):
        pack([tmp_path / "plain"])


# ------------------------------------------------------------------ names and versions


@pytest.mark.parametrize(
    ("options", "distribution", "package"),
    [
        ({}, "skill-pdf", "skill_pdf"),
        ({"prefix": "acme"}, "acme-pdf", "acme_pdf"),
        ({"prefix": "acme-"}, "acme-pdf", "acme_pdf"),
        ({"prefix": ""}, "pdf", "pdf"),
        ({"name": "Acme.PDF_tools"}, "acme-pdf-tools", "acme_pdf_tools"),
        ({"package": "acme_pdf"}, "skill-pdf", "acme_pdf"),
    ],
)
def test_the_distribution_is_called_after_the_skill(folder, options, distribution, package):
    packed = pack([folder()], **options)
    assert (packed.distribution, packed.package) == (distribution, package)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name": "-x"}, "no name of a distribution"),
        ({"name": "a b"}, "no name of a distribution"),
        ({"name": "x\nRequires-Dist: evil"}, "no name of a distribution"),
        ({"name": "café"}, "no name of a distribution"),
        ({"name": "3d-tools"}, "no name of a package"),
        ({"package": "a-b"}, "no name of a package"),
        ({"package": "../evil"}, "no name of a package"),
        ({"package": "class"}, "no name of a package"),
        ({"name": "json"}, "would hide Python's own"),
    ],
)
def test_a_name_that_no_installer_or_python_takes_is_refused(folder, options, why):
    with pytest.raises(PackingError, match=why):
        pack([folder()], **options)


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "-rf", "a=b", "[x]", "a:b", "x. "])
def test_a_skill_whose_name_cannot_be_a_folders_is_refused(folder, name):
    root = folder()
    (root / "SKILL.md").write_text(f'---\nname: "{name}"\ndescription: d\n---\n')
    with pytest.raises(SkillError) as raised:
        pack([root], name="x-skill", version="1")
    assert "name" in str(raised.value)


@pytest.mark.parametrize(
    ("said", "version"),
    [("1.2.0", "1.2.0"), ("v1.2", "1.2"), ("1.0-beta", "1.0b0"), ("1.10", "1.10"), ("2", "2")],
)
def test_the_version_is_normalised(folder, said, version):
    front = f'description: d\nmetadata:\n  version: "{said}"'
    assert pack([folder(front=front)]).version == version


def test_a_version_that_is_given_goes_before_the_frontmatters(folder):
    assert pack([folder()], version="2.0rc1").version == "2.0rc1"


def test_a_version_outside_of_metadata_is_taken_as_many_skills_have_it(folder):
    assert pack([folder(front='description: d\nversion: "3.1"')]).version == "3.1"


@pytest.mark.parametrize(
    "front",
    ["version: latest", "version: 1.2.0; evil", "version: [1, 2]", "version: 2026-11-21 noon"],
)
def test_a_version_that_is_none_of_pythons_is_refused(folder, front):
    with pytest.raises(PackingError, match="PEP 440"):
        pack([folder(front=f"description: d\nmetadata:\n  {front}")])


def test_without_a_version_it_says_where_to_write_one(folder):
    with pytest.raises(PackingError, match=r"metadata.*--version"):
        pack([folder(front="description: d")])


# ------------------------------------------------------------------ what it says of itself


def test_the_metadata_is_what_the_frontmatter_says(folder, wheel):
    made = wheel(folder(front=with_front("license: mit OR apache-2.0", "tags: [pdf, forms]")))
    parsed = Metadata.from_email(made.text("INFO/METADATA"), validate=True)
    assert parsed.metadata_version == "2.4"
    assert (parsed.name, str(parsed.version)) == ("skill-pdf", "1.2.0")
    assert parsed.summary == "Reads PDF files."
    assert parsed.license_expression == "MIT OR Apache-2.0"
    assert parsed.keywords == ["agent-skills", "pdf", "forms"]
    assert (parsed.description.strip(), parsed.description_content_type) == (BODY, "text/markdown")


@pytest.mark.parametrize(
    "end", ["\\n", "\\r", "\\v", "\\f", "\\x1c", "\\x85", "\\u2028", "\\u2029"]
)
def test_no_text_of_an_author_can_add_a_field(folder, wheel, end):
    evil = f'"x{end}Requires-Dist: evil{end}{end}Body"'
    front = f"description: {evil}\nlicense: {evil}\nmetadata:\n  version: '1'\n  tags: {evil}"
    said = wheel(folder(front=front)).metadata
    assert "Requires-Dist" not in said
    assert said.get_payload().strip() == BODY
    for name in ("Summary", "License", "Keywords"):
        assert "evil" in said[name]
        assert len(said[name].splitlines()) == 1


@pytest.mark.parametrize(
    ("description", "summary"),
    [
        ("One. Two.", "One."),
        ("Works with e.g. forms. Then more.", "Works with e.g. forms."),
        ("No end", "No end"),
        ("Is it? Yes.", "Is it?"),
        ("Version 1.2 of it", "Version 1.2 of it"),
        ("x" * 600, "x" * 511 + "…"),
    ],
)
def test_the_summary_is_the_first_sentence(folder, wheel, description, summary):
    front = f'description: "{description}"\nmetadata:\n  version: "1"'
    assert wheel(folder(front=front)).text("INFO/METADATA").splitlines()[3] == f"Summary: {summary}"


def test_a_licence_that_is_no_expression_is_kept_as_a_text(folder, wheel):
    said = wheel(folder(front=with_front("license: Proprietary. See LICENSE.txt"))).metadata
    assert said["License"] == "Proprietary. See LICENSE.txt"
    assert "License-Expression" not in said


@pytest.mark.parametrize("name", ["LICENSE", "LICENSE.txt", "licence.md", "COPYING", "NOTICE"])
def test_files_of_licences_are_listed_and_found_where_installers_look(folder, wheel, name):
    made = wheel(folder(files={name: "terms", "references/LICENSE": "of something else"}))
    assert made.metadata.get_all("License-File") == [f"{SKILL}/{name}"]
    assert made.text(f"INFO/licenses/{SKILL}/{name}") == "terms"


def test_what_a_skill_and_its_scripts_declare_is_required(folder, wheel):
    block = "# /// script\n# dependencies = [{}]\n# requires-python = '{}'\n# ///\n"
    root = folder(
        front=with_front(
            "  headrace-dependencies: |", "    rich>=13,<15", "    httpx [http2] >=0.27"
        ),
        files={
            "scripts/a.py": block.format("'numpy', 'rich>=13,<15'", ">=3.10"),
            "scripts/b.py": block.format("'pandas; python_version<\"3.14\"'", ">=3.11"),
            "scripts/plain.py": "import os\n",
            "notes.txt": block.format("'not-a-script'", ">=3.12"),
        },
    )
    said = wheel(root).metadata
    assert said.get_all("Requires-Dist") == [
        "httpx[http2]>=0.27",
        "numpy",
        'pandas; python_version < "3.14"',
        "rich<15,>=13",
    ]
    assert said["Requires-Python"] == ">=3.10,>=3.11"


@pytest.mark.parametrize(
    "content",
    [
        "# /// script\n# dependencies = ['not a requirement!']\n# ///\n",
        "# /// script\n# dependencies = ['x @ https://example.org/x.whl']\n# ///\n",
        "# /// script\n# requires-python = 'three'\n# ///\n",
        "# /// script\n# dependencies = [\n# ///\n",
        b"# /// script\n# dependencies = ['\xff']\n# ///\n",
    ],
)
def test_a_script_whose_dependencies_cannot_be_read_is_named(folder, content):
    with pytest.raises(PackingError, match=r"pdf, scripts/a\.py"):
        pack([folder(files={"scripts/a.py": content})])


def test_a_dependency_by_address_is_refused(folder):
    front = with_front("  headrace-dependencies: evil @ https://example.org/evil.whl")
    with pytest.raises(SkillFormatError, match="names an address"):
        pack([folder(front=front)])


def test_what_is_odd_is_told_and_packed(folder):
    (skill,) = pack([folder(front=with_front("color: red"))]).skills
    assert any("color" in warning for warning in skill.warnings)
    assert any("licence" in warning for warning in skill.warnings)


# ------------------------------------------------------------------ several skills


def test_several_skills_make_one_wheel(folder, wheel):
    one = folder("pdf", front=with_front("license: MIT"))
    other = folder("docx", front=with_front("license: Apache-2.0 OR MIT"))
    made = wheel(one, other, name="acme-office", version="4")
    assert made.filename == "acme_office-4-py3-none-any.whl"
    assert made.text("INFO/entry_points.txt") == (
        "[headrace.skills]\ndocx = acme_office\npdf = acme_office\n"
    )
    assert [name for name in made.names if name.endswith("SKILL.md")] == [
        "acme_office/.agents/skills/docx/SKILL.md",
        "acme_office/.agents/skills/pdf/SKILL.md",
    ]
    assert made.metadata["Summary"] == "Agent Skills: docx, pdf"
    assert made.metadata["License-Expression"] == "(Apache-2.0 OR MIT) AND MIT"


@pytest.mark.parametrize("options", [{}, {"name": "x"}, {"version": "1"}])
def test_several_skills_need_a_name_and_a_version(folder, options):
    with pytest.raises(PackingError, match="--name, --version"):
        pack([folder("a"), folder("b")], **options)


def test_two_folders_of_one_skill_are_refused(folder, tmp_path):
    folders = [folder(within=tmp_path / "one"), folder(within=tmp_path / "two")]
    with pytest.raises(PackingError, match="two of the folders"):
        pack(folders, name="x", version="1")
