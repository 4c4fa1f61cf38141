"""What a Python expression is, as far as it is written down: texts, paths, decoded payloads.

Nothing is run. Only what is known for certain is put together: constants, joins, the decoders of
the standard library on constants.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
from dataclasses import dataclass, field

from headrace_skills.audit._decoding import MAX_DECODED, inflate

__all__ = ["Values", "dotted"]

UNKNOWN = "…"
"""Stands in a text for a part that is not written down."""
_MAX_DEPTH = 24
_BYTE = 256
# Methods after which a text or a path is, for what is asked here, what it was.
_SAME = frozenset(
    (
        *("expanduser", "resolve", "absolute", "as_posix", "strip", "encode", "lower", "format"),
        *("open", "read_text", "read_bytes"),
    )
)
_PATHS = frozenset(
    ("Path", "PurePath", "PosixPath", "expanduser", "str", "abspath", "realpath", "fspath")
)

_DECODERS = {
    "b64decode": "base64",
    "urlsafe_b64decode": "base64",
    "standard_b64decode": "base64",
    "decodebytes": "base64",
    "b32decode": "base32",
    "b85decode": "base85",
    "a85decode": "base85",
    "unhexlify": "hex",
    "a2b_hex": "hex",
    "a2b_base64": "base64",
    "fromhex": "hex",
    "decompress": "compression",
}


def dotted(node: ast.expr) -> str:
    """The dotted name of an expression, past its calls: ``Path().x`` is ``Path.x``."""
    parts: list[str] = []
    at = node
    while True:
        if isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        elif isinstance(at, ast.Call):
            module = _imported(at)
            if module:
                parts.append(module)
                break
            at = at.func
        elif isinstance(at, ast.Subscript):
            at = at.value
        elif isinstance(at, ast.Name):
            parts.append(at.id)
            break
        else:
            break
    return ".".join(reversed(parts))


def _imported(call: ast.Call) -> str:
    """The module of ``__import__("x")`` and its like; empty for other calls."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("__import__", "import_module") and call.args:
        first = call.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return first.value
    return ""


@dataclass(slots=True)
class Values:
    """Texts of expressions, by the constants that names were given."""

    names: dict[str, ast.expr] = field(default_factory=dict)
    """What a name was last given."""
    aliases: dict[str, str] = field(default_factory=dict)
    """What a name was imported as: ``b`` for ``base64.b64decode``."""

    def real(self, node: ast.expr) -> str:
        """The dotted name of an expression, imports seen through."""
        name = dotted(node)
        head, _, rest = name.partition(".")
        head = self.aliases.get(head, head)
        return f"{head}.{rest}" if rest else head

    def text(self, node: ast.expr | None, depth: int = 0) -> str | None:
        """The text of an expression, with ``…`` for what is not known; ``None`` if all of it is."""
        value = self.value(node, depth)
        if isinstance(value, bytes):
            return value[:MAX_DECODED].decode("utf-8", "replace")
        return value

    def value(self, node: ast.expr | None, depth: int = 0) -> str | bytes | None:
        """The text or bytes of an expression, as in ``text``."""
        if node is None or depth > _MAX_DEPTH:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, (str, bytes)) else None
        if isinstance(node, ast.Name):
            given = self.names.get(node.id)
            return None if given is None else self.value(given, depth + 4)
        if isinstance(node, ast.BinOp):
            return self._joined(node, depth)
        if isinstance(node, ast.JoinedStr):
            parts = [
                self.text(one.value if isinstance(one, ast.FormattedValue) else one, depth + 1)
                for one in node.values
            ]
            return "".join(UNKNOWN if part is None else part for part in parts)
        if isinstance(node, ast.Subscript):
            return self._part(node, depth)
        return self._called(node, depth) if isinstance(node, ast.Call) else None

    def _joined(self, node: ast.BinOp, depth: int) -> str | bytes | None:
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if isinstance(node.op, ast.Div):
            if left is None and right is None:
                return None
            return f"{_str(left)}/{_str(right)}"
        if not isinstance(node.op, ast.Add) or (left is None and right is None):
            return None
        if isinstance(left, bytes) and isinstance(right, bytes):
            return (left + right)[:MAX_DECODED]
        return (_str(left) + _str(right))[:MAX_DECODED]

    def _part(self, node: ast.Subscript, depth: int) -> str | bytes | None:
        if isinstance(node.slice, ast.Slice):
            value = self.value(node.value, depth + 1)
            step = node.slice.step
            backwards = isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)
            whole = node.slice.lower is None and node.slice.upper is None
            return value[::-1] if value is not None and backwards and whole else None
        if self.real(node.value) == "os.environ" and self.text(node.slice) in (
            "HOME",
            "USERPROFILE",
        ):
            return "~"
        return None

    def _called(self, node: ast.Call, depth: int) -> str | bytes | None:
        name = self.real(node.func)
        last = name.rpartition(".")[2]
        first = node.args[0] if node.args else None
        if name in ("pathlib.Path.home", "Path.home"):
            return "~"
        if last in _PATHS and first is not None:
            parts = [_str(self.value(one, depth + 1)) for one in node.args]
            return "/".join(parts) if set(parts) != {UNKNOWN} else None
        if name in ("os.path.join", "posixpath.join") or last == "joinpath":
            base = (
                [node.func.value]
                if last == "joinpath" and isinstance(node.func, ast.Attribute)
                else []
            )
            return "/".join(_str(self.value(one, depth + 1)) for one in [*base, *node.args])
        if name in ("os.environ.get", "os.getenv") and self.text(first) in ("HOME", "USERPROFILE"):
            return "~"
        if last == "join" and isinstance(node.func, ast.Attribute) and first is not None:
            return self._sequence(self.text(node.func.value, depth + 1), first, depth)
        if isinstance(node.func, ast.Attribute) and last in _SAME:
            return self.value(node.func.value, depth + 1)
        if name == "open":
            return self.value(first, depth + 1)
        return self._decoded(node, name, last, depth)

    def _decoded(self, node: ast.Call, name: str, last: str, depth: int) -> str | bytes | None:
        first = node.args[0] if node.args else None
        if name in ("bytes", "bytearray") and first is not None:
            return _from_numbers(first) or self.value(first, depth + 1)
        if last == "decode" and isinstance(node.func, ast.Attribute) and name != "codecs.decode":
            value = self.value(node.func.value, depth + 1)
            codec = self.text(first, depth + 1) if first is not None else None
            return _by_codec(value, codec or "utf-8")
        if name == "codecs.decode":
            codec = self.text(node.args[1], depth + 1) if len(node.args) > 1 else None
            return _by_codec(self.value(first, depth + 1), codec or "")
        if last in _DECODERS and first is not None:
            return _undone(self.value(first, depth + 1), _DECODERS[last])
        return None

    def _sequence(self, between: str | None, node: ast.expr, depth: int) -> str | None:
        """What ``between.join(node)`` is."""
        if isinstance(node, (ast.List, ast.Tuple)):
            parts = [_str(self.value(one, depth + 1)) for one in node.elts]
            return (between or "").join(parts)
        if isinstance(node, ast.Call) and dotted(node.func) == "map" and len(node.args) == 2:  # noqa: PLR2004
            numbers = _from_numbers(self._given(node.args[1]))
            return numbers.decode("latin-1") if numbers and dotted(node.args[0]) == "chr" else None
        if isinstance(node, (ast.GeneratorExp, ast.ListComp)) and isinstance(node.elt, ast.Call):
            plain = len(node.elt.args) == 1 and isinstance(node.elt.args[0], ast.Name)
            if dotted(node.elt.func) == "chr" and plain:
                numbers = _from_numbers(self._given(node.generators[0].iter))
                return numbers.decode("latin-1") if numbers else None
        if isinstance(node, ast.Call) and dotted(node.func) == "reversed" and node.args:
            text = self.text(node.args[0], depth + 1)
            return None if text is None else text[::-1]
        return None

    def _given(self, node: ast.expr) -> ast.expr:
        return self.names.get(node.id, node) if isinstance(node, ast.Name) else node


def _str(value: str | bytes | None) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _from_numbers(node: ast.expr) -> bytes | None:
    if not isinstance(node, (ast.List, ast.Tuple)):
        return None
    numbers = [one.value for one in node.elts if isinstance(one, ast.Constant)]
    if len(numbers) != len(node.elts) or not all(
        isinstance(n, int) and 0 <= n < _BYTE for n in numbers
    ):
        return None
    return bytes(n for n in numbers if isinstance(n, int))


def _by_codec(value: str | bytes | None, codec: str) -> str | bytes | None:
    codec = codec.lower().replace("_", "").replace("-", "")
    if value is None:
        return None
    if codec == "rot13":
        return codecs.decode(_str(value), "rot13")
    if codec in ("hex", "hexcodec"):
        return _undone(value, "hex")
    if codec in ("base64", "base64codec"):
        return _undone(value, "base64")
    if codec in ("zlib", "zip", "zlibcodec"):
        return _undone(value, "compression")
    return _str(value)


def _undone(value: str | bytes | None, code: str) -> bytes | None:
    if value is None:
        return None
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    data = data[: 4 * MAX_DECODED]
    try:
        if code == "base64":
            return base64.b64decode(data + b"=" * (-len(data) % 4))
        if code == "base32":
            return base64.b32decode(data)
        if code == "base85":
            return base64.b85decode(data)
        if code == "hex":
            return bytes.fromhex(data.decode("ascii"))
    except (binascii.Error, ValueError):
        return None
    return inflate(data)
