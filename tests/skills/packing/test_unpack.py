"""The folder back out of its archive, equal; and what of other people's archives is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib

import pytest

from headrace_skills.packing import ArchiveError, pack, unpack

from .conftest import FRONT, add, make_zip, tree

A_FILE = "skill_pdf/.agents/skills/pdf/a.md"
SKILL = "---\nname: pdf\ndescription: d\n---\nBody.\n"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def zipped(tmp_path):
    """Write a zip with a skill and what else is given."""

    def write(*members, name="skills.zip"):
        return make_zip(tmp_path / name, [("pdf/SKILL.md", SKILL), *members])

    return write


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


# ------------------------------------------------------------------ equal


def test_a_wheel_gives_the_folder_back(folder, tmp_path, out):
    root = folder(files={"a/b c.md": "x", ".hidden": "", "big": os.urandom(200_000)})
    add(root, "scripts/run.sh", "#!/bin/sh\n", mode=0o755)
    wheel = pack([root]).wheel.write(tmp_path / "dist")
    (one,) = unpack(wheel, out)
    assert (one.name, one.folder) == ("pdf", out / "pdf")
    assert tree(one.folder) == tree(root)
    assert sorted(one.files) == sorted(tree(root))


def test_several_skills_come_back_as_several_folders(folder, tmp_path, out):
    roots = [folder("pdf", files={"x": "1"}), folder("docx", files={"y": "2"})]
    wheel = pack(roots, name="office", version="1").wheel.write(tmp_path)
    assert [one.name for one in unpack(wheel, out)] == ["docx", "pdf"]
    for root in roots:
        assert tree(out / root.name) == tree(root)


def test_packed_again_it_gives_the_same_wheel(folder, tmp_path, out):
    packed = pack([folder(files={"a.md": "x"})])
    unpack(packed.wheel.write(tmp_path), out)
    assert pack([out / "pdf"]).wheel.data == packed.wheel.data


def test_a_skill_that_only_an_entry_point_names_is_found(folder, tmp_path, out):
    content = {
        "acme/data/pdf/SKILL.md": SKILL,
        "acme/data/pdf/examples/other/SKILL.md": SKILL,
        "acme/code.py": "1/0",
        "acme-1.dist-info/entry_points.txt": "[headrace.skills]\npdf = acme:data/pdf\n",
    }
    record = "".join(f"{name},{sum_of(text)},\n" for name, text in content.items())
    content["acme-1.dist-info/RECORD"] = record + "acme-1.dist-info/RECORD,,\n"
    wheel = make_zip(tmp_path / "acme-1-py3-none-any.whl", content.items())
    (one,) = unpack(wheel, out)
    assert sorted(tree(out)) == ["pdf/SKILL.md", "pdf/examples/other/SKILL.md"]
    assert one.name == "pdf"


@pytest.mark.parametrize(
    ("members", "found"),
    [
        (["SKILL.md", "a.md"], {"pdf/SKILL.md", "pdf/a.md"}),
        (["one/SKILL.md", "one/a.md"], {"one/SKILL.md", "one/a.md"}),
        (["one/SKILL.md", "two/SKILL.md", "README"], {"one/SKILL.md", "two/SKILL.md"}),
        (["repo/one/SKILL.md", "repo/README"], {"one/SKILL.md"}),
        (["repo/.agents/skills/one/SKILL.md", "repo/x.py"], {"one/SKILL.md"}),
        ([".agents/skills/one/SKILL.md", "x.py"], {"one/SKILL.md"}),
        (["one/SKILL.md", "__MACOSX/._one", "__MACOSX/one/._SKILL.md"], {"one/SKILL.md"}),
        (["one/skill.md"], {"one/skill.md"}),
    ],
)
def test_a_zip_is_a_skill_or_holds_skills(tmp_path, out, members, found):
    unpack(make_zip(tmp_path / "some.zip", [(name, SKILL) for name in members]), out)
    assert set(tree(out)) == found


def test_a_skill_at_the_top_that_says_no_name_is_called_after_the_zip(tmp_path, out):
    content = "---\ndescription: d\n---\n"
    (one,) = unpack(make_zip(tmp_path / "my-pdf.zip", [("SKILL.md", content)]), out)
    assert one.name == "my-pdf"


def test_links_to_files_of_the_skill_become_files(zipped, out):
    archive = zipped(
        ("pdf/a/x.md", "X"),
        link("pdf/b/y.md", "../a/x.md"),
        link("pdf/z.md", "b/y.md"),
    )
    unpack(archive, out)
    assert (out / "pdf/z.md").read_text() == (out / "pdf/b/y.md").read_text() == "X"
    assert not any(path.is_symlink() for path in out.rglob("*"))


def test_a_dry_run_checks_and_writes_nothing(zipped, out):
    (one,) = unpack(zipped(), out, dry_run=True)
    assert one.files == ("SKILL.md",)
    assert not out.exists()
    with pytest.raises(ArchiveError):
        unpack(zipped(("../x", "")), out, dry_run=True)


# ------------------------------------------------------------------ hostile


def raw(name):
    """An entry whose name is written as it is; zipfile would mend it."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    return info


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "pdf/../../evil",
        "pdf/..",
        "/etc/evil",
        "//evil",
        "pdf//evil",
        "./evil",
        "C:/evil",
        "c:evil",
        "pdf\\..\\evil",
        "pdf/a\\b",
        "pdf/a\0.md",
        "pdf/a\nb",
        "pdf/tag\U000e0041",
        "pdf/" + "x" * 1100,
        "",
    ],
)
def test_a_name_that_is_no_plain_path_is_refused(zipped, out, tmp_path, name):
    archive = zipped((raw(name), "evil"))
    with pytest.raises(ArchiveError, match="no plain path"):
        unpack(archive, out)
    assert not out.exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("pdf/a.md", "pdf/a.md", "twice"),
        ("pdf/a.md", "pdf/A.md", "one file on some systems"),
        ("pdf/Caf\u00e9", "pdf/Cafe\u0301", "one file on some systems"),
        ("pdf/a", "pdf/a/b.md", "below a file"),
        ("pdf/A", "pdf/a/b.md", "below a file"),
    ],
)
def test_names_that_two_systems_read_differently_are_refused(zipped, out, one, other, why):
    with pytest.warns(UserWarning, match="Duplicate") if why == "twice" else _nothing():
        archive = zipped((one, "good"), (other, "evil"))
    with pytest.raises(ArchiveError, match=why):
        unpack(archive, out)


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


@pytest.mark.parametrize(
    "target",
    [
        "../../secret",
        "/etc/passwd",
        "..",
        ".",
        "absent",
        "link",
        "deep",
        "",
        "a\0b",
        "../other/x.md",
    ],
)
def test_a_link_to_anything_but_a_file_of_the_skill_is_refused(zipped, out, tmp_path, target):
    (tmp_path / "secret").write_text("secret")
    archive = zipped(
        ("pdf/deep/x.md", ""),
        ("other/SKILL.md", SKILL),
        ("other/x.md", ""),
        link("pdf/link", target),
    )
    with pytest.raises(ArchiveError, match="link"):
        unpack(archive, out)
    assert not any(out.iterdir())


def test_a_link_cannot_be_written_through(zipped, out, tmp_path):
    archive = zipped(link("pdf/a", str(tmp_path)), ("pdf/a/evil", "evil"))
    with pytest.raises(ArchiveError, match="below a file"):
        unpack(archive, out)
    assert not (tmp_path / "evil").exists()


def test_links_that_lead_out_by_way_of_each_other_are_refused(zipped, out, tmp_path):
    (tmp_path / "secret").write_text("secret")
    archive = zipped(
        ("pdf/x/y/z.md", ""), link("pdf/x/y/up", "../.."), link("pdf/evil", "x/y/up/../../secret")
    )
    with pytest.raises(ArchiveError, match="link"):
        unpack(archive, out)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_special_files_are_refused(zipped, out, kind):
    info = zipfile.ZipInfo("pdf/x")
    info.create_system = 3
    info.external_attr = (kind | 0o644) << 16
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        unpack(zipped((info, "")), out)


def test_a_bomb_is_refused_before_it_is_read(zipped, out):
    with pytest.raises(ArchiveError, match="200 times"):
        unpack(zipped(("pdf/zeros", bytes(4 << 20))), out)


def test_more_than_the_bounds_is_refused(zipped, out, monkeypatch):
    from headrace_skills.packing import _zips

    archive = zipped(("pdf/x", os.urandom(3000)))
    monkeypatch.setattr(_zips, "MAX_BYTES", 2999)
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        unpack(archive, out)


def test_too_many_entries_are_refused_before_they_are_listed(tmp_path, out):
    data = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0, 0, 0)
    (tmp_path / "many.zip").write_bytes(data)
    with pytest.raises(ArchiveError, match="more than 20,000 entries"):
        unpack(tmp_path / "many.zip", out)


def test_entries_that_share_bytes_are_refused(zipped, out):
    data = bytearray(zipped(("pdf/a.md", "x" * 50), ("pdf/b.md", "x" * 50)).read_bytes())
    central = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    # The second entry is told to begin where the third does.
    data[central[1] + 42 : central[1] + 46] = data[central[2] + 42 : central[2] + 46]
    archive = zipped()
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="overlap"):
        unpack(archive, out)


def mangled(data, how):
    if how == "before":
        return b"#!/bin/sh\n" + data
    if how == "after":
        return data + b"more"
    if how == "cut":
        return data[: len(data) // 2]
    if how == "nothing":
        return b""
    return b"PK" + os.urandom(500)


@pytest.mark.parametrize("how", ["before", "after", "cut", "nothing", "noise"])
def test_what_is_not_wholly_a_zip_is_refused(zipped, out, how):
    archive = zipped()
    archive.write_bytes(mangled(archive.read_bytes(), how))
    with pytest.raises(ArchiveError):
        unpack(archive, out)


def test_a_zip_that_may_have_a_second_list_of_entries_is_refused(zipped, out):
    info = zipfile.ZipInfo("pdf/z.md")
    info.comment = b"PK\x06\x07" + bytes(16)  # right before the end, where 64-bit zips have it
    with pytest.raises(ArchiveError, match="64-bit"):
        unpack(zipped((info, "")), out)


def test_a_zip_may_have_a_comment_as_those_of_repositories_have(zipped, out):
    archive = zipped()
    with zipfile.ZipFile(archive, "a") as opened:
        opened.comment = b"0123456789abcdef"
    assert unpack(archive, out)


def test_a_file_whose_bytes_were_damaged_is_refused_and_nothing_is_left(zipped, out):
    stored = zipfile.ZipInfo("pdf/z.md")  # not compressed
    data = zipped((stored, "GOOD BYTES")).read_bytes()
    archive = zipped()
    archive.write_bytes(data.replace(b"GOOD BYTES", b"EVIL BYTES"))
    with pytest.raises(ArchiveError, match=r"pdf/z\.md"):
        unpack(archive, out)
    assert not any(out.iterdir())


def test_a_file_that_is_longer_than_the_archive_says_is_refused(zipped, out):
    stored = zipfile.ZipInfo("pdf/z.md")
    stored.compress_type = zipfile.ZIP_DEFLATED
    data = bytearray(zipped((stored, "0123456789")).read_bytes())
    central = data.rfind(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<L", 4)  # its size
    data[central + 16 : central + 20] = struct.pack("<L", zlib.crc32(b"0123456789"))
    archive = zipped()
    archive.write_bytes(data)
    with pytest.raises(ArchiveError):
        unpack(archive, out)


def test_encrypted_files_are_refused(zipped, out):
    data = bytearray(zipped().read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 8] |= 1
    archive = zipped()
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack(archive, out)


def test_a_named_pipe_holds_nobody_up(tmp_path, out):
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(ArchiveError, match="no file"):
        unpack(tmp_path / "pipe.zip", out)


def test_a_zip_without_a_skill_says_what_was_looked_for(tmp_path, out):
    with pytest.raises(ArchiveError, match=r"holds no skill.*SKILL\.md"):
        unpack(make_zip(tmp_path / "x.zip", [("README.md", "x")]), out)


# ------------------------------------------------------------------ the record of a wheel


def sum_of(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def changed(folder, tmp_path):
    """A wheel of ours, its members changed by a function from name and content to content."""

    def change(function, extra=()):
        packed = pack([folder(front=FRONT, files={"a.md": "x"})])
        members = []
        with zipfile.ZipFile(io.BytesIO(packed.wheel.data)) as archive:
            for name in archive.namelist():
                content = function(name, archive.read(name).decode())
                if content is not None:
                    members.append((name, content))
        return make_zip(tmp_path / packed.wheel.filename, [*members, *extra])

    return change


@pytest.mark.parametrize(
    ("function", "extra", "why"),
    [
        (lambda name, text: "evil" if name.endswith("a.md") else text, (), "not the one"),
        (lambda name, text: "evil" if name.endswith("__init__.py") else text, (), "not the one"),
        (lambda name, text: None if name.endswith("a.md") else text, (), "no such file"),
        (lambda name, text: text, [("skill_pdf/evil.py", "")], "not in its RECORD"),
        (lambda name, text: None if name.endswith("RECORD") else text, (), "no wheel"),
        (lambda name, text: text, [("other-1.dist-info/METADATA", "")], "no wheel"),
        (
            lambda name, text: "skill_pdf/__init__.py,,\n" if name.endswith("RECORD") else text,
            (),
            "not",
        ),
    ],
)
def test_a_wheel_that_is_not_as_its_record_says_is_refused(changed, out, function, extra, why):
    archive = changed(function, extra)
    with pytest.raises(ArchiveError, match=why):
        unpack(archive, out)
    assert not out.exists()


def test_a_sum_that_can_be_forged_is_no_proof(changed, out):
    def with_md5(name, text):
        if not name.endswith("RECORD"):
            return text
        digest = base64.urlsafe_b64encode(hashlib.md5(b"x").digest()).decode().rstrip("=")  # noqa: S324
        return "".join(
            f"{line.split(',')[0]},md5={digest},1\n" if line.startswith(A_FILE) else f"{line}\n"
            for line in text.splitlines()
        )

    with pytest.raises(ArchiveError, match=r"a\.md"):
        unpack(changed(with_md5), out)


# ------------------------------------------------------------------ whole or not at all


def test_what_is_there_is_left_alone(folder, tmp_path, out):
    wheel = pack([folder("a"), folder("b")], name="x", version="1").wheel.write(tmp_path)
    add(out, "b/mine.md", "mine")
    with pytest.raises(ArchiveError, match="is there already"):
        unpack(wheel, out)
    assert sorted(tree(out)) == ["b/mine.md"]


def test_nothing_is_left_of_a_skill_when_another_cannot_be_unpacked(tmp_path, out):
    archive = make_zip(
        tmp_path / "x.zip",
        [("a/SKILL.md", SKILL), ("b/SKILL.md", SKILL), link("b/link", "/etc/passwd")],
    )
    with pytest.raises(ArchiveError):
        unpack(archive, out)
    assert list(out.iterdir()) == []
