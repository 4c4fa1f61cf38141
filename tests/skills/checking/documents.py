"""Generated SKILL.md files: near the border between what is valid and what is not."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["NAMES", "damaged", "documents", "named_documents"]

_LETTERS = "abcz019-" + "AÉß_ . éﬁａдΔ中" + "\u0301\u0939\u093f\u200b\u0131"
NAMES = st.one_of(
    st.sampled_from(["a", "pdf-forms", "b2", "x" * 63, "x" * 64]),
    st.sampled_from(
        ["x" * 65, "ﬃ" * 21 + "a", "ﬃ" * 22, "A", "-a", "a-", "a--b", "a_b", "a b", "дом", "हिन्दी",
         "\uff41\uff42", "cafe\u0301", "null", "42", "1.5", "true", "", " ", "é", "ǅ", "ẞ", "İ"]
    ),
    st.text(st.sampled_from(_LETTERS), min_size=1, max_size=8),
    st.text(st.characters(categories=["L", "N", "M", "Pd", "S"]), min_size=1, max_size=5),
)  # fmt: skip
_TEXTS = st.one_of(
    st.sampled_from(
        ["Does things. Use when asked.", "fast - safe", "null", "~", "yes", "1.10", "0x1F",
         "2024-01-02", "a: b", "a #b", "#b", "[a]", "{a: b}", "*a", "&a b", "!a b", "@a", "`a`",
         "%a", "- a", "? a", ": a", "a:", "a:b", "'", '"', "it's", 'say "so"', "\\", "<<", "=", "",
         " ", "  a  ", "|", ">", ",a", "a\tb", "\ta", "ünï", "😀", "a\u00a0b", "---",
         "fast --- safe", "..."]
    ),
    st.sampled_from([499, 500, 501, 1023, 1024, 1025]).map(lambda size: "d" * size),
    st.sampled_from([499, 500, 501, 1023, 1024, 1025]).map(lambda size: "é" * (size - 1) + " "),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "M"]), max_size=20),
)  # fmt: skip
_KEYS = st.sampled_from(
    ["name", "description", "license", "compatibility", "metadata", "allowed-tools"] * 3
    + [
        "version",
        "Name",
        "'license'",
        '"description"',
        "<<",
        "? license",
        "tags",
        "42",
        "null",
        "a b",
    ]
)


def _indented(text: str, indent: str) -> str:
    return "\n".join(indent + line for line in text.split("\n"))


@st.composite
def _scalar(draw, text: str) -> str:
    """One text in one of YAML's styles, not always one that can hold it."""
    style = draw(st.sampled_from(["plain"] * 3 + ["single", "double", "block", "plain lines"]))
    if style == "plain":
        return " " + text
    if style == "single":
        return " '" + text.replace("'", "''") + "'"
    if style == "double":
        return ' "' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if style == "plain lines":
        return " " + text.replace(" ", "\n  ", 1)
    head = draw(
        st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "| # c", ">#c", "|x"])
    )
    return f" {head}\n" + _indented(text, draw(st.sampled_from(["  ", "  ", "    ", " "])))


@st.composite
def _value(draw, depth: int = 0) -> str:
    kind = draw(st.sampled_from(["text"] * 5 + ["list", "mapping", "mapping", "flow", "none"]))
    if kind == "text" or depth > 2:
        return draw(_scalar(draw(_TEXTS)))
    if kind == "none":
        return draw(st.sampled_from(["", " ", " # none", " ~"]))
    if kind == "flow":
        return draw(st.sampled_from([" [a, b]", " {a: b}", " []", " {}", " [a", " [a]: b"]))
    indent = "  " * (depth + 1) + draw(st.sampled_from(["", "", "", " ", "  "]))
    size = draw(st.integers(1, 3))
    if kind == "list":
        items = [indent + "-" + draw(_value(depth + 1)) for _ in range(size)]
    else:
        keys = draw(
            st.lists(
                st.sampled_from(["author", "version", "k", "l", "'q'", "<<", "7", "m n"]),
                min_size=size, max_size=size, unique=draw(st.booleans()),
            )
        )  # fmt: skip
        items = [f"{indent}{key}:{draw(_value(depth + 1))}" for key in keys]
    return "\n" + "\n".join(items)


@st.composite
def _front(draw, name: str) -> str:
    lines = [f"name:{draw(_scalar(name))}", f"description:{draw(_scalar(draw(_TEXTS)))}"]
    more = draw(st.sampled_from([0, 0, 1, 1, 2, 3]))
    lines += [f"{draw(_KEYS)}:{draw(_value())}" for _ in range(more)]
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(st.sampled_from(["# a comment", "", "...", "text", "- a", "\t", ": x"])))
    if draw(st.integers(0, 3)) == 0:
        lines = draw(st.permutations(lines))
    if draw(st.integers(0, 9)) == 0:
        lines.pop(0)
    return "\n".join(lines)


@st.composite
def documents(draw, name: str = "pdf-forms") -> bytes:
    """A SKILL.md whose name is mostly the one that is given."""
    front = draw(_front(name))
    rarely = draw(st.integers(0, 7)) == 0
    opened = draw(
        st.sampled_from(["--- ", "---\t", "\n---", "\ufeff---", "--", "----", "---x", " ---"])
        if rarely else st.just("---")
    )  # fmt: skip
    rarely = draw(st.integers(0, 7)) == 0
    closed = draw(
        st.sampled_from(["---  ", "----", "  ---", "--- x", "", "--", "..."])
        if rarely
        else st.just("---")
    )
    body = draw(st.sampled_from(["", "# Title\n\nDo it.\n", "a --- b\n---\nc"]))
    text = f"{opened}\n{front}\n{closed}\n{body}"
    ending = draw(st.sampled_from(["\n"] * 8 + ["\r\n", "\r"]))
    return text.replace("\n", ending).encode("utf-8", "replace")


@st.composite
def named_documents(draw) -> tuple[str, bytes]:
    """The name of a folder, and the SKILL.md in it."""
    name = draw(NAMES)
    folder = name if draw(st.integers(0, 9)) else draw(NAMES)
    clean = "".join(one for one in folder if one not in "/\0").strip(".") or "folder"
    return clean[:60], draw(documents(name))


_SPLINTERS = st.sampled_from(
    [b"\t", b" ", b"\n", b"\r", b"-", b"---", b":", b": ", b"#", b" #", b"'", b'"', b"|", b">",
     b"&a ", b"*a", b"!a ", b"!!str ", b"[", b"]", b"{", b"}", b",", b"? ", b"- ", b"<<: a\n", b"%",
     b"\\", b"@", b"\0", b"\x07", b"\x7f", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8",
     b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\n...\n", b"\n---\n", b"\nname: b\n", b"k: v\n",
     b"\n  k: v", b"~", b"\xcc\x81"]
)  # fmt: skip


@st.composite
def damaged(draw, whole: st.SearchStrategy[bytes]) -> bytes:
    """A document into which things were put, and out of which things were taken."""
    data = draw(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        if draw(st.booleans()):
            data = data[:at] + draw(_SPLINTERS) + data[at:]
        else:
            data = data[:at] + data[at + draw(st.integers(1, 5)) :]
    return data
