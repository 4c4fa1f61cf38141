"""What a verified zip is, and each way in which one is refused."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zipfile

import pytest

from headrace_registry.bundle.verifying import VerificationError, verify_zip
from headrace_registry.errors import SettingsError

from .zips import JobFiles, entries, flip, hexadecimal, put

KEY = "sha256:" + "0" * 64


@pytest.fixture
def job():
    return JobFiles()


@pytest.fixture
def zipped(tmp_path):
    return tmp_path / "job.zip"


def faults(job, path):
    """What is found wrong with a job, packed here."""
    job.write(path)
    return found(path)


def found(path):
    with pytest.raises(VerificationError) as error:
        verify_zip(path)
    assert str(path) in str(error.value)
    return error.value.faults


# ---------------------------------------------------------------- right


def test_a_zip_as_it_was_built(job, zipped):
    files = job.packed()
    done = verify_zip(job.write(zipped))
    assert (done.manifest.name, done.files, done.size) == (
        "demo",
        len(files),
        zipped.stat().st_size,
    )
    assert (done.signer, done.trusted, done.notes) == (None, False, ())


def test_the_digest_is_that_of_the_manifest_as_it_lies_there(job, zipped):
    """An older or later headrace writes the same manifest with other bytes."""
    manifest = job.packed()["job.json"]
    assert verify_zip(job.write(zipped)).digest == hashlib.sha256(manifest).hexdigest()


def test_jars_scripts_and_data_of_wheels_are_right(job, zipped):
    job.jar("connector.jar")
    job.package(
        "native",
        "2.0",
        {"native/__init__.py": b"", "native-2.0.data/scripts/tool": b"#!/bin/sh\n"},
    )
    # A wheel's scripts are unpacked to bin/, and its RECORD keeps the wheel's own paths.
    script = job.files.pop("site-packages/native-2.0.data/scripts/tool")
    job.files["site-packages/bin/tool"] = script
    job.executables.add("site-packages/bin/tool")
    assert verify_zip(job.write(zipped)).notes == ()


def test_files_that_a_package_leaves_out_are_no_fault_where_the_manifest_says_so(job, zipped):
    job.package("big", "1", {"big/__init__.py": b"", "big/tests.py": b"x"}, trimmed=1)
    del job.files["site-packages/big/tests.py"]
    assert verify_zip(job.write(zipped)).files


def test_progress_ends_with_all_bytes(job, zipped):
    told = []
    verify_zip(job.write(zipped), progress=lambda done, total: told.append((done, total)))
    assert told
    assert told[-1][0] == told[-1][1]


def test_a_large_file_is_read_in_pieces(job, zipped):
    job.files["app/data.bin"] = bytes(range(256)) * 20_000  # stored
    job.package("wide", "1", {"wide/data.bin": bytes(range(256)) * 20_000})  # deflated
    assert verify_zip(job.write(zipped)).files


def test_a_zip_that_was_packed_anew_by_hand_runs_the_same_and_is_told(job, zipped):
    """Each file is what was built, so it is no fault; the bytes of the zip are others."""
    job.write(zipped)
    again = zipped.with_name("again.zip")
    with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        put(archive, "app/", b"", 0o040755)
        for info, data in reversed(entries(zipped)):
            put(archive, info.filename, data, info.external_attr >> 16, zipfile.ZIP_DEFLATED)
    done = verify_zip(again)
    assert done.digest == verify_zip(zipped).digest
    assert "packed anew" in done.notes[0]


# ---------------------------------------------------------------- files


def test_every_missing_changed_and_extra_file_is_named_at_once(job, zipped):
    job.late = {
        "app/echo.py": b"print('evil')\n",
        "main.py": None,
        "site-packages/acme/clock.py": b"now = 2\n",
        "app/evil.py": b"",
    }
    assert set(faults(job, zipped)) == {
        "missing: main.py",
        "changed: app/echo.py",
        "changed: site-packages/acme/clock.py",
        "extra: app/evil.py",
    }


def test_a_flipped_bit_is_found_in_stored_and_in_deflated_files(job, zipped):
    job.write(zipped)
    flip(zipped, "app/echo.py")
    flip(zipped, "site-packages/headrace/__init__.py")
    assert {"changed: app/echo.py", "changed: site-packages/headrace/__init__.py"} <= set(
        found(zipped)
    )


def test_a_wrong_check_sum_is_found_though_the_content_is_right(job, zipped):
    """Java's unpackers hold it against the content: the cluster would fail."""
    job.write(zipped)
    data = zipped.read_bytes()
    right = struct.pack("<L", zipfile.ZipFile(zipped).getinfo("app/echo.py").CRC)
    assert data.count(right) == 2  # before the file, and in the list
    zipped.write_bytes(data.replace(right, b"\1\2\3\4"))
    assert found(zipped) == ("changed: app/echo.py",)


def test_a_file_that_says_a_wrong_size_is_found(job, zipped):
    job.write(zipped)
    size = zipfile.ZipFile(zipped).getinfo("site-packages/headrace/__init__.py")
    data = zipped.read_bytes()
    both = struct.pack("<2L", size.compress_size, size.file_size)
    less = struct.pack("<2L", size.compress_size, size.file_size - 1)
    assert data.count(both) == 2
    zipped.write_bytes(data.replace(both, less))
    assert found(zipped) == ("changed: site-packages/headrace/__init__.py",)


def test_an_empty_folder_is_extra_since_python_would_import_it(job, zipped):
    job.write(zipped)
    with zipfile.ZipFile(zipped, "a") as archive:
        put(archive, "site-packages/evil/", b"", 0o040755)
    assert found(zipped) == ("extra: site-packages/evil/",)


@pytest.mark.parametrize("name", ["job.json", "SHA256SUMS"])
def test_the_two_lists_hold_each_other(job, zipped, name):
    right = job.packed()
    sums = hexadecimal(right["SHA256SUMS"]).encode()
    wrong = right[name].replace(sums, b"0" * 64).replace(b"echo.py", b"eche.py")
    assert wrong != right[name]
    job.late[name] = wrong
    (fault,) = faults(job, zipped)
    assert "do not fit" in fault


def test_the_number_of_files_is_told_twice(job, zipped):
    job.manifest["files_total"] = 3
    assert any("tells of 3" in one for one in faults(job, zipped))


@pytest.mark.parametrize(
    "line",
    [
        "no digest  a",
        hexadecimal(b"") + " *app/a",
        hexadecimal(b"") + "  job.json",
        hexadecimal(b"") + "  main.py",  # which is there already
        "",
    ],
)
def test_a_list_that_cannot_be_read_is_refused(job, zipped, line):
    sums = job.packed()["SHA256SUMS"] + f"{line}\n".encode()
    job.manifest["sums"] = hexadecimal(sums)
    job.late["SHA256SUMS"] = sums
    assert "cannot be read" in faults(job, zipped)[0]


def test_names_are_made_harmless_before_they_are_shown(job, zipped):
    sums = job.packed()["SHA256SUMS"] + f"{hexadecimal(b'')}  a\x1b[2Jb\u202e\n".encode()
    job.manifest |= {"sums": hexadecimal(sums), "files_total": 999}
    job.late["SHA256SUMS"] = sums
    assert not any("\x1b" in one or "\u202e" in one for one in faults(job, zipped))


def test_many_faults_are_shown_by_some_and_counted(job, zipped):
    job.late = {f"app/extra{number:03}": b"" for number in range(500)}
    job.write(zipped)
    with pytest.raises(VerificationError, match=r"500 faults(.|\n)*and 460 more") as error:
        verify_zip(zipped)
    assert len(error.value.faults) == 500


# ---------------------------------------------------------------- modes


def test_a_lost_run_bit_is_a_fault(job, zipped):
    """The usual fate of a zip that was unpacked on a system without them."""
    job.modes["bin/python"] = 0o100644
    assert faults(job, zipped) == ("mode: bin/python lacks its run bit",)


def test_a_run_bit_too_many_is_a_fault(job, zipped):
    job.modes["app/echo.py"] = 0o100755
    assert faults(job, zipped) == ("mode: app/echo.py has a run bit",)


def test_bits_that_change_the_user_are_a_fault(job, zipped):
    job.modes["bin/python"] = 0o104755
    assert "special bits" in faults(job, zipped)[0]


def test_the_launcher_has_to_be_executable(job, zipped):
    job.executables = set()
    assert any("executable" in one for one in faults(job, zipped))


# ---------------------------------------------------------------- no job's zip


def test_a_zip_that_was_cut_short_is_told_as_such(job, zipped):
    whole = job.write(zipped).read_bytes()
    for length in (len(whole) // 3, len(whole) - 1, len(whole) - 30):
        zipped.write_bytes(whole[:length])
        assert f"cut short: {length:,} bytes" in found(zipped)[0]


def test_a_zip_that_lacks_its_middle_tells_how_long_it_was(job, zipped):
    whole = job.write(zipped).read_bytes()
    zipped.write_bytes(whole[:100] + whole[200:])
    text = found(zipped)[0]
    assert "cut short" in text
    assert f"{len(whole):,}" in text
    assert f"{len(whole) - 100:,}" in text


def test_an_empty_file_is_told(zipped):
    zipped.write_bytes(b"")
    assert "it is empty" in found(zipped)[0]


def test_what_is_no_zip_is_told(zipped):
    zipped.write_text("<html>404</html>")
    assert "cannot be read as a job's zip: it is no zip" in found(zipped)[0]


def test_a_wheel_is_told_to_be_one(zipped):
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("acme-1.0.dist-info/WHEEL", "")
    assert "this is no job's zip: it is a wheel, of acme 1.0" in found(zipped)[0]


def test_any_other_zip_is_told_by_what_it_holds(zipped):
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("photo.jpg", "")
    assert "it has no job.json, and holds photo.jpg" in found(zipped)[0]


def test_a_folder_that_was_packed_with_the_job_in_it_is_told(job, zipped):
    files = job.packed()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, data in files.items():
            put(archive, f"demo/{name}", data)
    assert "in the folder demo/" in found(zipped)[0]


def test_a_later_format_is_told_with_what_reads_it(job, zipped):
    job.manifest |= {"format": 99, "headrace": "9.9"}
    text = faults(job, zipped)[0]
    assert "format 99" in text
    assert "9.9" in text


def test_a_manifest_that_is_none_is_told_without_what_a_terminal_obeys(job, zipped):
    job.manifest["evil\x1b[2J"] = 1
    text = faults(job, zipped)[0]
    assert "no manifest of a job" in text
    assert "\x1b" not in text


# ---------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../evil", 0o100644),
        ("/etc/evil", 0o100644),
        ("app/../../evil", 0o100644),
        ("app\\evil", 0o100644),
        ("main.py/evil", 0o100644),
        ("app/link", 0o120777),
        ("app/device", 0o020666),
    ],
)
def test_a_path_that_would_lead_elsewhere_is_refused(job, zipped, name, mode):
    job.write(zipped)
    with zipfile.ZipFile(zipped, "a") as archive:
        put(archive, name, b"/etc/passwd", mode)
    assert any(words in found(zipped)[0] for words in ("no plain path", "below a file", "a link"))


def test_a_bomb_is_refused_unopened(job, zipped):
    job.write(zipped)
    with zipfile.ZipFile(zipped, "a") as archive:
        for number in range(3):
            put(archive, f"app/{number}", bytes(100 * 1024**2), how=zipfile.ZIP_DEFLATED)
    assert "unpacks to" in found(zipped)[0]


def test_a_file_that_goes_on_beyond_its_size_is_not_read_on(job, zipped):
    """A bomb that lies of its size: what is read of it is bounded."""
    job.package("bomb", "1", {"bomb/data": bytes(50 * 1024**2)})
    job.write(zipped)
    info = zipfile.ZipFile(zipped).getinfo("site-packages/bomb/data")
    told = struct.pack("<3L", info.CRC, info.compress_size, info.file_size)
    lie = struct.pack("<3L", info.CRC, info.compress_size, 10)
    zipped.write_bytes(zipped.read_bytes().replace(told, lie))
    import tracemalloc

    tracemalloc.start()
    try:
        assert "changed: site-packages/bomb/data" in found(zipped)
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024**2
    finally:
        tracemalloc.stop()


def test_any_broken_byte_is_an_error_with_words(job, zipped):
    """Each of many bytes turned round: nothing but a refusal, or a note, comes of it."""
    whole = job.write(zipped).read_bytes()
    step = max(1, len(whole) // 150)
    for at in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        zipped.write_bytes(changed)
        try:
            verify_zip(zipped)
        except VerificationError as error:
            assert str(zipped) in str(error)  # noqa: PT017 - a few bytes do not matter


# ---------------------------------------------------------------- keys


def test_an_unsigned_zip_is_refused_where_keys_are_given(job, zipped):
    with pytest.raises(VerificationError, match="is not signed"):
        verify_zip(job.write(zipped), keys=[KEY])


def test_a_key_that_is_none_is_refused_before_anything_is_read(zipped):
    with pytest.raises(SettingsError, match="no fingerprint"):
        verify_zip(zipped, keys=["0" * 64])


def test_verifying_leaves_no_trace(job, zipped, tmp_path):
    shutil.copy(job.write(zipped), tmp_path / "copy.zip")
    verify_zip(zipped)
    assert {one.name for one in tmp_path.iterdir()} == {"job.zip", "copy.zip"}
    assert zipped.read_bytes() == (tmp_path / "copy.zip").read_bytes()
