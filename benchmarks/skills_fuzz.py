"""Fuzzes the reader and the check of SKILL.md files: ``skills_fuzz.py [COUNT] [--seed N]``.

Each case is a document near the border of what is valid, damaged at random. The lenient reader may
refuse it with its typed error and nothing else; the check may not fail at all, must agree with the
reader on whether the skill loads, and must name places that are in the file. Where the standard's
reference validator is installed, every tenth verdict is held against it too, and differences are
counted by the reason that they have in the tests' table.
"""

from __future__ import annotations

import argparse
import collections
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.skills.checking.differences import DIFFERENCES
from tests.skills.checking.wild import KINDS

from headrace_skills import Skill, SkillFormatError, read_skill
from headrace_skills._frontmatter import parse_document
from headrace_skills.checking import check_skill

COUNT = 200_000
EVERY = 10
SPLINTERS = (
    b"\t", b" ", b"\n", b"\r\n", b"-", b"---", b"\n---\n", b":", b": ", b"#", b" # ", b"'", b'"',
    b"|", b">", b">-\n", b"&a ", b"*a", b"!a ", b"!!str ", b"[", b"]", b"{", b"}", b",", b"? ",
    b"- ", b"<<: a\n", b"%", b"\\", b"\\ud800", b"\\UFFFFFFFF", b"@", b"`", b"\0", b"\x07",
    b"\x7f", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xe2\x80\x8b",
    b"\xcc\x81", b"\n...\n", b"~", b"\nname: b\n", b"k: v\n", b"\n  k: v", b"x" * 1100, b"[" * 40,
    b"\nmetadata:\n  a:\n    b: c\n", b"\nheadrace-network: ", b"](../a.md)", b"](/a)",
    b"`scripts/a.py`", b"a(" * 50,
)  # fmt: skip


def main() -> None:
    """Runs them, and prints what was found."""
    parser = argparse.ArgumentParser(description="Fuzzes the reader and the check of skills.")
    parser.add_argument("count", type=int, nargs="?", default=COUNT, help="how many cases")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    rules: collections.Counter[str] = collections.Counter()
    memory = Path("/dev/shm")  # files that are written 200,000 times need no disk
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    began = time.perf_counter()
    try:
        _run(given.count, random.Random(given.seed), folder, counts, rules)  # noqa: S311
    finally:
        shutil.rmtree(folder)
    spent = time.perf_counter() - began
    print(f"{given.count:,} cases in {spent:,.0f} s (seed {given.seed})")
    for name, number in sorted(counts.items()):
        print(f"{number:>9,}  {name}")
    print(f"{len(rules)} rules were broken: " + ", ".join(sorted(rules)))
    failed = counts["CRASHED"] + counts["DISAGREED"]
    sys.exit(1 if failed else 0)


def _run(
    count: int,
    source: random.Random,
    folder: Path,
    counts: collections.Counter[str],
    rules: collections.Counter[str],
) -> None:
    root = folder / "pdf-forms"
    root.mkdir()
    validate = _reference()
    for number in range(count):
        data = _case(source)
        try:
            report = _held(root, data, counts)
        except Exception:  # noqa: BLE001 - any is a defect, and is told
            counts["CRASHED"] += 1
            print(f"crashed on {data!r}", file=sys.stderr)
            traceback.print_exc()
            continue
        rules.update({one.rule for one in report.faults})
        if validate is not None and number % EVERY == 0:
            _compare(validate, root, data, report.valid, counts)


def _case(source: random.Random) -> bytes:
    if source.random() < 0.02:
        return source.randbytes(source.randrange(200))
    data = source.choice(KINDS).data
    for _ in range(source.choice((0, 1, 1, 2, 3, 6))):
        at = source.randrange(len(data) + 1)
        kind = source.random()
        if kind < 0.6:
            data = data[:at] + source.choice(SPLINTERS) + data[at:]
        elif kind < 0.8:
            data = data[:at] + data[at + source.randrange(1, 8) :]
        elif kind < 0.9:
            data = data[:at] + bytes([source.randrange(256)]) + data[at:]
        else:
            other = source.choice(KINDS).data
            data = data[:at] + other[source.randrange(len(other)) :]
    return data


def _held(root: Path, data: bytes, counts: collections.Counter[str]) -> Any:
    try:
        parse_document(data)
        counts["read by the lenient reader"] += 1
    except SkillFormatError:
        counts["refused by the lenient reader"] += 1
    (root / "SKILL.md").write_bytes(data)
    report = check_skill(root)
    assert report.loads == isinstance(read_skill(root), Skill), "check and reader disagree"
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert all(1 <= one.line <= lines and one.column >= 1 for one in report.faults)
    counts["valid by the check" if report.valid else "not valid by the check"] += 1
    return report


def _reference() -> Any:
    try:
        from skills_ref import validate
    except ImportError:
        return None
    return validate


def _compare(
    validate: Any,
    root: Path,
    data: bytes,
    valid: bool,  # noqa: FBT001
    counts: collections.Counter[str],
) -> None:
    try:
        reference: bool | str = not validate(root)
    except Exception as error:  # noqa: BLE001 - it crashes, with anything
        reference = type(error).__name__
    counts["held against the reference"] += 1
    if reference == valid:
        return
    why = [one.name for one in DIFFERENCES if one.applies(data)]
    if why:
        counts[f"differs from the reference: {why[0]}"] += 1
    else:
        counts["DISAGREED"] += 1
        print(f"ours {valid}, the reference's {reference}: {data!r}", file=sys.stderr)


if __name__ == "__main__":
    main()
