"""Each rule, shown by the least that breaks it: where the fault is told, and whether it loads."""

from __future__ import annotations

import os
import stat

import pytest

from headrace_skills import Skill, read_skill
from headrace_skills.checking import RULES, check_skill

GOOD = "description: Fills PDF forms. Use when the user has a form to fill."
BODY = "\n# Forms\n\nFill them.\n"


def skill_file(*fields: str, body: str = BODY) -> str:
    """A SKILL.md whose third line is the first of the given fields."""
    lines = [line for line in (*fields,) if not line.startswith(("name", "description"))]
    named = [line for line in fields if line.startswith(("name", "description"))]
    name = next((line for line in named if line.startswith("name")), "name: pdf-forms")
    told = next((line for line in named if line.startswith("description")), GOOD)
    return "\n".join(["---", name, told, *lines, "---", body])


@pytest.fixture
def check(tmp_path):
    """Check a skill called pdf-forms: its SKILL.md, and files beside it."""

    def checked(text: str | bytes, files: dict[str, str | bytes] | None = None):
        root = tmp_path / "pdf-forms"
        for path, content in {"SKILL.md": text, **(files or {})}.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return check_skill(root)

    return checked


def told(report) -> list[tuple[str, str, int, int]]:
    return [(one.rule, one.file, one.line, one.column) for one in report.faults]


def test_a_good_skill_has_no_fault(check):
    report = check(
        skill_file(
            "license: MIT",
            "compatibility: Needs qpdf.",
            "allowed-tools: Read Bash(qpdf:*)",
            "metadata:",
            '  version: "1.2.0"',
            '  headrace-network: "*.example.org:8443 api.example.com"',
            "  headrace-dependencies: |",
            "    httpx>=0.27",
            body="\nRun `scripts/fill.py`, see [codes](references/codes.md#e1) and <https://a.org>.\n",
        ),
        {"scripts/fill.py": "print()\n", "references/codes.md": "E1\n"},
    )
    assert told(report) == []
    assert report.valid
    assert report.loads
    assert report.name == "pdf-forms"


L = True  # lenient reading takes it
X = False  # it does not
FRONTMATTER = [
    ("frontmatter-missing", "# Forms\n", (1, 1), X),
    ("frontmatter-start", "\n\n" + skill_file(), (1, 1), L),
    ("frontmatter-start", skill_file().replace("---\n", "---\t\n", 1), (1, 4), L),
    ("frontmatter-start", skill_file().replace("---\n", "--- # x\n", 1), (1, 1), X),
    ("frontmatter-open", "---\nname: pdf-forms\n" + GOOD, (1, 1), X),
    ("frontmatter-shape", "---\n- a\n---\nx\n", (2, 1), X),
    ("frontmatter-shape", "---\n# none\n---\nx\n", (2, 1), X),
    ("frontmatter-size", skill_file("license: " + "x" * 66_000), (2, 1), X),
    ("frontmatter-size", skill_file("metadata: " + "[" * 20 + "]" * 20), (4, 26), X),
    ("frontmatter-size", skill_file("metadata:\n" + "  - a\n" * 5_000), (4_998, 5), X),
    ("fence-in-value", skill_file("license: MIT --- or so"), (4, 14), L),
    ("control-character", skill_file("license: a\x07"), (4, 11), X),
    ("yaml-separator", skill_file("license: 'a\u2028b'"), (4, 12), L),
    ("yaml-syntax", skill_file('license: "a'), (4, 10), X),
    ("yaml-syntax", skill_file("license: >-#x", "  a"), (4, 10), L),
    ("yaml-unquoted", skill_file("license: MIT: or so"), (4, 13), L),
    ("yaml-tab", skill_file("license: MIT\t# so"), (4, 13), L),
    ("yaml-flow", skill_file("license: MIT", "allowed-tools: [Read]"), (5, 16), L),
    ("yaml-anchor", skill_file("license: &a MIT"), (4, 10), X),
    ("yaml-tag", skill_file("license: !!str MIT"), (4, 10), X),
    ("yaml-duplicate", skill_file("license: MIT", "license: BSD"), (5, 1), X),
    ("yaml-duplicate", skill_file("metadata:", "  a: b", "  a: b"), (6, 3), X),
    ("yaml-key", skill_file("? - a"), (4, 3), X),
    ("yaml-merge", skill_file("metadata:", "  <<: a"), (5, 3), L),
    ("yaml-indent", skill_file("metadata:", "  a:", "    b: c", "  d:", "     e: f"), (8, 6), L),
    ("yaml-documents", skill_file("--- a"), (4, 1), X),
]
FIELDS = [
    ("field-unknown", skill_file("version: x"), (4, 1), L),
    ("field-empty", skill_file("license:"), (4, 9), L),
    ("value-type", skill_file("metadata:", "  version: 1.10"), (5, 12), L),
    ("value-type", skill_file("license: no"), (4, 10), L),
    ("name-missing", f"---\n{GOOD}\n---\nx\n", (2, 1), L),
    ("name-missing", skill_file("name: ''"), (2, 7), L),
    ("description-missing", "---\nname: pdf-forms\n---\nx\n", (2, 1), X),
    ("description-missing", skill_file("description: ' '"), (3, 14), X),
    ("description-missing", skill_file("description:\n  - a"), (4, 3), X),
    ("description-length", skill_file("description: Use when " + "x" * 1016), (3, 14), L),
    ("description-short", skill_file("description: Fills."), (3, 14), L),
    (
        "description-when",
        skill_file("description: " + "Fills forms of all kinds. " * 2),
        (3, 14),
        L,
    ),
    ("description-markup", skill_file(GOOD + " Not <system>."), (3, 14), L),
    ("compatibility-form", skill_file("compatibility:", "  - a"), (5, 3), L),
    ("compatibility-length", skill_file("compatibility: " + "x" * 501), (4, 16), L),
    ("license-form", skill_file("license:", "  - MIT"), (5, 3), L),
    ("allowed-tools-form", skill_file("allowed-tools: Read, Write"), (4, 16), L),
    ("allowed-tools-form", skill_file("allowed-tools: Bash(git"), (4, 16), L),
    ("allowed-tools-form", skill_file("allowed-tools:", "  - Read"), (5, 3), L),
    ("metadata-form", skill_file("metadata: text"), (4, 11), L),
    ("metadata-form", skill_file("metadata:", "  a:", "    b: c"), (6, 5), L),
    ("metadata-version", skill_file("metadata:", "  version: one"), (5, 12), L),
    ("needs-form", skill_file("metadata:", "  headrace-network: https://a.org"), (5, 21), L),
    ("needs-form", skill_file("metadata:", "  headrace-commands:", "    - git"), (6, 5), L),
    ("needs-unknown", skill_file("metadata:", "  headrace-dependancies: a"), (5, 3), L),
]
INSTRUCTIONS = [
    ("body-empty", skill_file(body="\n \n"), (4, 1), L),
    ("body-long", skill_file(body="line\n" * 497), (501, 1), L),
    ("file-missing", skill_file(body="a [b](references/c.md)"), (5, 7), L),
    ("file-missing", skill_file(body="```\npython scripts/none.py --x\n```"), (6, 8), L),
    ("file-missing", skill_file(body="[b]: c%20d.md"), (5, 6), L),
    ("link-absolute", skill_file(body="[b](/etc/passwd)"), (5, 5), L),
    ("link-absolute", skill_file(body="[b](file:///etc/passwd)"), (5, 5), L),
    ("link-outside", skill_file(body="[b](references/../../c.md)"), (5, 5), L),
    ("hidden-characters", skill_file(body="a\u200bb\u200bc"), (5, 2), L),
    ("hidden-characters", skill_file(body="tag\U000e0041\U000e0042"), (5, 4), L),
    ("hidden-characters", skill_file(GOOD.replace("PDF", "P\u202eDF")), (3, 21), L),
]
FILE = [
    ("not-utf8", skill_file().encode() + b"a\nb\xff", (10, 2), X),
    ("byte-order-mark", "\ufeff" + skill_file(), (1, 1), L),
    ("line-endings", skill_file().replace("\n", "\r\n"), (1, 1), L),
    ("skill-file-size", skill_file(body="x" * 1024 * 1024), (1, 1), X),
]


@pytest.mark.parametrize(
    ("rule", "text", "at", "loads"), FRONTMATTER + FIELDS + INSTRUCTIONS + FILE
)
def test_a_fault_of_a_skill_file(check, tmp_path, rule, text, at, loads):
    report = check(text)
    assert (rule, "SKILL.md", *at) in told(report)
    assert next(one.loads for one in report.faults if one.rule == rule) is loads
    assert report.loads is loads is isinstance(read_skill(tmp_path / "pdf-forms"), Skill)


@pytest.mark.parametrize(("rule", "text", "at", "loads"), FIELDS[5:] + INSTRUCTIONS)
def test_it_is_the_only_fault(check, rule, text, at, loads):
    rules = {one.rule for one in check(text).faults}
    assert rules - {"body-long"} <= {rule, "description-short"}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("PDF", {"name-case"}),
        ("-a", {"name-hyphens"}),
        ("a-", {"name-hyphens"}),
        ("a--b", {"name-hyphens"}),
        ("a_b", {"name-charset"}),
        ("हिन्दी", {"name-charset"}),
        ("дом", {"name-ascii"}),
        ("\u0440\u0430ypal", {"name-ascii", "name-lookalike"}),
        ("ﬁx", {"name-normal"}),
        ("x" * 64, set()),
        ("x" * 65, {"name-length"}),
        ("ﬃ" * 22, {"name-length", "name-normal"}),
    ],
)
def test_names(tmp_path, name, rules):
    root = tmp_path / name
    root.mkdir()
    (root / "SKILL.md").write_text(skill_file(f"name: {name}"))
    report = check_skill(root)
    assert {one.rule for one in report.faults} == rules
    assert report.valid == (not {rule for rule in rules if RULES[rule].standard})


def test_a_name_that_is_not_the_folders(check):
    report = check(skill_file("name: forms"))
    assert told(report) == [("name-folder", "SKILL.md", 2, 7)]
    assert "name: pdf-forms" in report.faults[0].mend


def test_the_names_of_folder_and_skill_are_compared_in_their_normal_form(tmp_path):
    root = tmp_path / "ﬁx"
    root.mkdir()
    (root / "SKILL.md").write_text(skill_file("name: fix"))
    assert check_skill(root).valid


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("allowed_tools: Read", "allowed-tools"),
        ("licence: MIT", "license"),
        ("tools: a", "allowed"),
    ],
)
def test_a_misspelt_field_is_told_the_right_one(check, written, meant):
    fault = check(skill_file(written)).faults[0]
    assert fault.rule == "field-unknown"
    assert meant in fault.mend


def test_a_value_that_needs_quotes_is_given_with_them(check):
    faults = check(skill_file("description: Use when: a form is to be filled by someone.")).faults
    assert [one.mend for one in faults] == [
        "write description: 'Use when: a form is to be filled by someone.'"
    ]


# ------------------------------------------------------------------ what is no fault


@pytest.mark.parametrize(
    "body",
    [
        "See [the site](https://example.org/a), [below](#more), [mail](mailto:a@b.org).",
        "Write `[text](url)` or `[text](missing.md)`.",
        "```markdown\n[text](missing.md)\n```",
        "Use scripts/<name>.py, scripts/*.py, ${HOME}/scripts/x.py or other/scripts/x.py.",
        "The folder scripts/ and references/ are read.",
        "Emoji: \U0001f468\u200d\U0001f469\u200d\U0001f467",
        "A flag: \U0001f3f4\U000e0067\U000e0062\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648",
    ],
)
def test_text_that_names_no_missing_file_and_hides_nothing(check, body):
    assert told(check(skill_file(body=body))) == []


def test_a_rule_is_told_fifty_times_at_most(check):
    body = "\n".join(f"[a](missing{number}.md)" for number in range(80))
    assert len(check(skill_file(body=body)).faults) == 50


# ------------------------------------------------------------------ the folder


def of_files(report) -> set[tuple[str, str]]:
    return {(one.rule, one.file) for one in report.faults}


def test_no_skill_file(check, tmp_path):
    assert told(check_skill(tmp_path)) == [("skill-file-missing", "SKILL.md", 1, 1)]
    assert told(check_skill(tmp_path / "none")) == [("skill-file-missing", "SKILL.md", 1, 1)]
    (tmp_path / "Skill.md").write_text(skill_file())
    assert check_skill(tmp_path).faults[0].mend == "rename Skill.md to SKILL.md"


def test_a_skill_file_in_lower_case(check, tmp_path):
    check(skill_file())
    root = tmp_path / "pdf-forms"
    (root / "SKILL.md").rename(root / "skill.md")
    assert told(check_skill(root)) == [("skill-file-name", "skill.md", 1, 1)]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd")])
def test_a_skill_file_that_is_no_file(tmp_path, make):
    make(tmp_path / "SKILL.md")
    report = check_skill(tmp_path)
    assert ("skill-file-unreadable", "SKILL.md") in of_files(report)
    assert not report.loads


def test_links(check, tmp_path):
    check(skill_file(), {"references/a.md": "a"})
    root = tmp_path / "pdf-forms"
    (root / "inside.md").symlink_to("references/a.md")
    (root / "outside.md").symlink_to("/etc/passwd")
    (root / "broken.md").symlink_to("nothing.md")
    assert of_files(check_skill(root)) == {
        ("symlink-outside", "outside.md"),
        ("symlink-broken", "broken.md"),
    }


def test_names_of_files(check):
    report = check(
        skill_file(), {"a.md": "", "A.md": "", "b\nc.md": "", "sub/skill.md": "", "d\\e": ""}
    )
    assert of_files(report) == {
        ("case-collision", "a.md"),
        ("file-name", "b\nc.md"),
        ("file-name", "d\\e"),
        ("nested-skill", "sub/skill.md"),
    }


def test_many_files(check, tmp_path):
    deep = "/".join(["d"] * 40)
    assert ("too-many-files", "SKILL.md") in of_files(check(skill_file(), {f"{deep}/a": ""}))


def test_a_large_folder(check, tmp_path):
    check(skill_file())
    with (tmp_path / "pdf-forms" / "data").open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    assert of_files(check_skill(tmp_path / "pdf-forms")) == {("folder-size", "SKILL.md")}


# ------------------------------------------------------------------ scripts


@pytest.mark.parametrize(
    ("path", "content", "executable", "rules"),
    [
        ("a.py", "print()\n", False, set()),
        ("a.sh", "echo\n", False, set()),
        ("a.py", "#!/usr/bin/env python3\n", True, set()),
        ("a.py", "#!/usr/bin/env python3\n", False, {"script-not-executable"}),
        ("a", "#!/bin/sh\n", False, {"script-not-runnable"}),
        ("a", "#!/bin/sh\n", True, set()),
        ("a", "echo\n", True, {"script-not-runnable"}),
        ("a.js", "console.log()\n", True, {"script-not-runnable"}),
        ("a.js", "#!/usr/bin/env node\n", True, {"script-interpreter"}),
        ("a.rb", "#!/usr/bin/ruby\n", True, {"script-interpreter"}),
        ("a.lua", "#!/usr/bin/env -S LUA_PATH=x jq\n", True, set()),
        ("data.json", "{}", False, set()),
        ("a.py", "#!/usr/bin/python3\r\nprint()\r\n", True, {"script-first-line"}),
        ("a.py", "\ufeff#!/usr/bin/python3\n", True, {"script-first-line"}),
    ],
)
def test_whether_a_script_can_be_run(check, tmp_path, path, content, executable, rules):
    text = skill_file("metadata:", "  headrace-commands: jq")
    check(text, {f"scripts/{path}": content})
    file = tmp_path / "pdf-forms" / "scripts" / path
    file.chmod(file.stat().st_mode | (stat.S_IXUSR if executable else 0))
    assert of_files(check_skill(tmp_path / "pdf-forms")) == {
        (rule, f"scripts/{path}") for rule in rules
    }


@pytest.mark.parametrize(
    "block",
    [
        "# /// script\n# dependencies = [\n# ///\n",
        "# /// script\n# dependencies = []\n",
        "# /// script\n# dependencies = 'a'\n# ///\n",
        "# /// script\n# dependencies = ['a b']\n# ///\n",
        "# /// script\n# dependencies = []\n# ///\n\n# /// script\n# dependencies = []\n# ///\n",
        "# /// script\n# a = " + "[" * 5_000 + "\n# ///\n",
    ],
)
def test_inline_metadata_that_cannot_be_read(check, block):
    report = check(skill_file(), {"scripts/a.py": f"'''Doc.'''\n\n{block}print()\n"})
    assert told(report) == [("script-metadata", "scripts/a.py", 3, 1)]


def test_inline_metadata_that_can_be_read(check):
    block = '# /// script\n# dependencies = ["httpx>=0.27"]\n# ///\n'
    assert told(check(skill_file(), {"scripts/a.py": block})) == []


# ------------------------------------------------------------------ the table


def test_faults_are_in_the_order_of_their_places(check):
    report = check(
        "---\nname: pdf_forms\ndescription: d\nx: 1\n---\n[a](b.md)\n",
        {"a.md": "", "A.md": "", "scripts/b.js": ""},
    )
    places = [(one.file, one.line, one.column) for one in report.faults]
    first = [place for place in places if place[0] == "SKILL.md"]
    assert places == sorted(first) + sorted(place for place in places if place[0] != "SKILL.md")


def test_every_rule_is_shown_here():
    from pathlib import Path

    text = Path(__file__).read_text() + Path(__file__).with_name("test_places.py").read_text()
    assert [rule for rule in RULES if f'"{rule}"' not in text] == []


def test_messages_are_one_line_that_can_be_seen(check):
    report = check(skill_file('"a\\nb\\u202e": c', "license: x"))
    assert report.faults
    for fault in report.faults:
        assert fault.message.isprintable()
        assert fault.mend.isprintable()
