"""The zip as a file: the same bytes for the same content, and such that every unpacker takes it."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
import zlib

import pytest

from headrace_registry.bundle._zip import Entry, write_zip
from headrace_registry.errors import BundleError

from .made import entries

TEXT = b"a line that repeats\n" * 500


def packed_in(path, data, name="member"):
    """A piece of another zip, and where it lies."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        info = archive.getinfo(name)
    whole = path.read_bytes()
    piece = zlib.compressobj(-1, zlib.DEFLATED, -15)
    packed = piece.compress(data) + piece.flush()
    offset = whole.index(packed)
    return Entry(
        "packed",
        source=path,
        offset=offset,
        packed=info.compress_size,
        size=len(data),
        method=8,
        crc=info.CRC,
    )


def test_the_bytes_do_not_depend_on_the_order_of_the_entries(tmp_path):
    some = [Entry(f"f{number}", data=b"%d" % number) for number in range(20)]
    write_zip(tmp_path / "a.zip", some)
    write_zip(tmp_path / "b.zip", random.Random(7).sample(some, len(some)))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert list(entries(tmp_path / "a.zip")) == sorted(one.name for one in some)


def test_entries_have_one_time_and_one_of_two_modes(tmp_path):
    write_zip(tmp_path / "a.zip", [Entry("data", data=b"x"), Entry("run", True, b"y")])
    found = entries(tmp_path / "a.zip")
    assert {one.date_time for one in found.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert {name: oct(one.external_attr >> 16) for name, one in found.items()} == {
        "data": "0o100644",
        "run": "0o100755",
    }
    assert {one.create_system for one in found.values()} == {3}


def test_what_is_ours_is_stored_and_what_is_packed_stays_packed(tmp_path):
    write_zip(tmp_path / "a.zip", [Entry("own", data=TEXT), packed_in(tmp_path / "w", TEXT)])
    found = entries(tmp_path / "a.zip")
    assert found["own"].compress_type == zipfile.ZIP_STORED
    assert found["packed"].compress_type == zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("own") == archive.read("packed") == TEXT


def test_the_size_of_each_entry_is_told(tmp_path):
    sizes = write_zip(tmp_path / "a.zip", [Entry("four", data=b"1234")])
    assert sizes == {"four": 30 + len("four") + 4}  # the head of an entry has 30 bytes


def test_names_beyond_ascii_are_utf_8(tmp_path):
    write_zip(tmp_path / "a.zip", [Entry("app/größe.txt", data=b"x")])
    assert list(entries(tmp_path / "a.zip")) == ["app/größe.txt"]


def test_more_files_than_a_plain_zip_can_count(tmp_path):
    write_zip(tmp_path / "a.zip", [Entry(f"{number:06}", data=b"") for number in range(66_000)])
    assert len(entries(tmp_path / "a.zip")) == 66_000


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_another_unpacker_finds_it_whole_and_keeps_the_modes(tmp_path):
    write_zip(
        tmp_path / "a.zip",
        [Entry("d/data", data=b"x"), Entry("run", True, b"y"), packed_in(tmp_path / "w", TEXT)],
    )
    subprocess.run(["unzip", "-q", "a.zip", "-d", "out"], cwd=tmp_path, check=True)
    assert (tmp_path / "out/packed").read_bytes() == TEXT
    assert os.access(tmp_path / "out/run", os.X_OK)
    assert (tmp_path / "out/d/data").stat().st_mode & 0o111 == 0


def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.raises(BundleError, match="two files would be called x"):
        write_zip(tmp_path / "a.zip", [Entry("x", data=b"1"), Entry("x", data=b"1")])
    assert list(tmp_path.iterdir()) == []


def test_a_file_too_large_for_flink_is_refused(tmp_path):
    large = Entry("large", source=tmp_path / "w", size=4 * 1024**3, packed=10, method=8)
    with pytest.raises(BundleError, match="large has 4 GiB or more"):
        write_zip(tmp_path / "a.zip", [large])


def test_a_source_that_was_cut_short_leaves_the_old_zip(tmp_path):
    one = packed_in(tmp_path / "w", TEXT)
    (tmp_path / "w").write_bytes(b"short")
    (tmp_path / "a.zip").write_bytes(b"old")
    with pytest.raises(BundleError, match="changed while it was read"):
        write_zip(tmp_path / "a.zip", [one])
    assert (tmp_path / "a.zip").read_bytes() == b"old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "w"]


def test_a_full_disk_leaves_the_old_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(BundleError, match=r"a\.zip cannot be written: File too large\n  next:"):
            write_zip(tmp_path / "a.zip", [Entry("large", data=bytes(200_000))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert (tmp_path / "a.zip").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BundleError, match="cannot be written: No such file or directory"):
        write_zip(tmp_path / "none" / "a.zip", [Entry("x", data=b"")])


def test_python_imports_from_it(tmp_path):
    write_zip(tmp_path / "a.zip", [Entry("inside.py", data=b"print('inside')\n")])
    done = subprocess.run(
        [sys.executable, "-c", "import inside"],
        env={"PYTHONPATH": str(tmp_path / "a.zip")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "inside\n"
