"""The labelled set, made into folders of skills."""

from __future__ import annotations

import base64
import codecs
import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "labelled"
SPLITS = ("seen", "held_out")

_CODED = re.compile(r"<<([a-z]\w*):(.*?)>>(?!>)", re.DOTALL)


def _zero_width(text: str) -> str:
    return "".join(
        "\u200b" if bit == "0" else "\u200c" for one in text.encode() for bit in f"{one:08b}"
    )


CODECS = {
    "u": lambda text: "".join(chr(int(one, 16)) for one in text.split()),
    "tags": lambda text: "".join(chr(0xE0000 + ord(one)) for one in text),
    "zwbits": _zero_width,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "utf16base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "zlib64": lambda text: base64.b64encode(zlib.compress(_lines(text))).decode(),
    "reverse_zlib64": lambda text: base64.b64encode(zlib.compress(_lines(text))).decode()[::-1],
    "hex": lambda text: text.encode().hex(),
    "xhex": lambda text: "".join(f"\\x{one:02x}" for one in text.encode()),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "chars": lambda text: ",".join(str(one) for one in text.encode()),
    "xor23": lambda text: ",".join(str(one ^ 23) for one in text.encode()),
}


def _lines(text: str) -> bytes:
    return text.replace("\\n", "\n").encode()


@dataclass(frozen=True)
class Entry:
    """A skill of the set, with its labels."""

    split: str
    hostile: bool
    id: str
    kind: str
    place: str = ""
    manner: str = ""
    data: dict[str, Any] = field(default_factory=dict, hash=False)

    def write(self, below: Path) -> Path:
        """Write the skill's folder."""
        folder = below / self.id
        folder.mkdir(parents=True)
        front = f"name: {self.id}\ndescription: >-\n  {decoded(self.data['description'])}\n"
        front += decoded(self.data.get("front", ""))
        body = decoded(self.data["body"])
        (folder / "SKILL.md").write_text(f"---\n{front.rstrip()}\n---\n\n{body}", encoding="utf-8")
        for path, content in self.data.get("files", {}).items():
            _write(folder / decoded(path), content)
        return folder


def decoded(text: str) -> str:
    """Put what ``<<CODEC:TEXT>>`` stands for in its place."""
    return _CODED.sub(lambda match: CODECS[match[1]](match[2]), text)


def _write(file: Path, content: str | dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        file.write_text(decoded(content), encoding="utf-8")
    elif "link" in content:
        file.symlink_to(content["link"])
    elif "bytes" in content:
        file.write_bytes(bytes.fromhex(content["bytes"]))
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in content["zip"].items():
                archive.writestr(name, text)
        file.write_bytes(buffer.getvalue())


def entries(split: str) -> list[Entry]:
    """The skills of a split."""
    found = []
    for label in ("hostile", "benign"):
        for data in yaml.safe_load((HERE / f"{split}_{label}.yaml").read_text(encoding="utf-8")):
            labels = {name: data[name] for name in ("kind", "place", "manner") if name in data}
            found.append(Entry(split, label == "hostile", data["id"], data=data, **labels))
    return found
