"""The source distribution: stock tools build the same wheel from it, offline."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from packaging.metadata import Metadata

from headrace_skills.packing import pack

from .conftest import Wheel, add

pytestmark = pytest.mark.slow

FRONT = """\
description: "Reads \\"PDF\\" \\\\ files, with é and 漢. Use it for forms."
license: {licence}
metadata:
  version: "1.2rc1"
  tags: 'a "b", c'
  headrace-dependencies: |
    rich>=13
    pandas; python_version < "3.99" """


def built(sdist, into):
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check")
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, *offline, "--wheel-dir", str(into), str(sdist)], check=True)
    (path,) = into.iterdir()
    return path


@pytest.mark.parametrize("licence", ["MIT", '"Proprietary. \\"Terms\\" in LICENSE"'])
def test_a_wheel_built_from_it_has_the_same_files_and_says_the_same(folder, tmp_path, licence):
    root = folder(
        front=FRONT.format(licence=licence),
        files={
            "LICENSE": "terms",
            "references/ä b.md": "x",
            ".gitignore": "*\n",  # it is the skill's, and says nothing of the wheel
            "assets/.hidden": "x",
            "scripts/helper.py": "# /// script\n# requires-python = '>=3.10'\n# ///\n",
            "build/x.md": "x",
            "dist/x.md": "x",
        },
    )
    add(root, "scripts/run.sh", "#!/bin/sh\n", mode=0o755)
    packed = pack([root], sdist=True)
    path = built(packed.sdist.write(tmp_path / "dist"), tmp_path / "wheels")
    assert path.name == packed.wheel.filename
    ours = Wheel(packed.wheel)
    with zipfile.ZipFile(path) as theirs:
        made = {"METADATA", "WHEEL", "RECORD"}
        for name in ours.names:
            if name.rpartition("/")[2] not in made:
                info = theirs.getinfo(name)
                assert (name, theirs.read(name)) == (name, ours.zip.read(name))
                assert (name, bool(info.external_attr >> 16 & 0o100)) == (
                    name,
                    bool(ours.mode(name) & 0o100),
                )
        assert sorted(theirs.namelist()) == sorted(ours.names)
        said = Metadata.from_email(theirs.read(f"{ours.info}/METADATA"), validate=True)
    expected = Metadata.from_email(ours.text("INFO/METADATA"), validate=True)
    for field in ("name", "version", "summary", "license_expression", "license_files"):
        assert (field, getattr(said, field)) == (field, getattr(expected, field))
    assert said.requires_python == expected.requires_python
    assert set(map(str, said.requires_dist)) == set(map(str, expected.requires_dist))
    assert (said.license, sorted(said.keywords)) == (expected.license, sorted(expected.keywords))
    assert said.description.strip() == expected.description.strip()
