"""The text of a skill as HTML: what a stranger wrote, with nothing that acts or loads.

HTML in it is shown as text, and so is what a reader would not see: comments, the titles of links,
definitions of links that are nowhere used. Pictures are not loaded. A text that is too large, too
deep or grows too much is shown as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

from headrace_registry.pages._text import cut, slug, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

__all__ = ["MAX_BODY", "Body", "read_body"]

MAX_BODY = 100_000
"""The most characters of a text that are shown."""
MAX_DEPTH = 40
"""The deepest that lists and quotations are nested; deeper text would be lost in silence."""
MAX_GROWTH = 12
"""How many times longer than its text the HTML may be."""
MAX_ADDRESS = 500
"""The longest address that is made a link."""
HEADING_SHIFT = 3
"""The page has headings of its own: its name, its parts and the skills."""

_LINK = re.compile(r"(?:https?://[^/]|mailto:[^/])", re.IGNORECASE)
_ALIGN = re.compile(r"text-align:(left|center|right)")


@dataclass(frozen=True, slots=True)
class Body:
    """A text, made HTML."""

    html: str
    """The HTML: to be put into the page as it is."""
    note: str = ""
    """What is not shown of it, or why it is shown as written."""
    unseen: tuple[tuple[str, str, str], ...] = ()
    """Definitions of links that the text does not show: label, address, title."""


def read_body(text: str, anchor: str) -> Body:
    """Makes the HTML of a skill's text.

    Args:
        text: The Markdown, without its frontmatter.
        anchor: What the ids of its headings begin with; no two of a page may have the same.
    """
    whole, text = len(text), text[:MAX_BODY].replace("\r\n", "\n").replace("\r", "\n")
    text = visible(text.expandtabs(4))
    note = ""
    if max(whole, len(text)) > MAX_BODY:
        text = text[:MAX_BODY].rpartition("\n")[0] or text[:MAX_BODY]
        note = f"Only the beginning of its {whole:,} characters is shown here."
    env: dict[str, Any] = {"anchor": anchor}
    try:
        tokens = _reader().parse(text, env)
        deep = max((token.level for token in tokens), default=0) >= MAX_DEPTH - 1
        html = "" if deep else _reader().renderer.render(tokens, _reader().options, env)
    except (RecursionError, ValueError, IndexError):  # a text that its reader cannot read
        deep, html = True, ""
    if deep or len(html) > MAX_GROWTH * len(text) + 10_000:
        why = "It is shown as it was written: it is nested too deeply to be laid out."
        return Body(f'<pre class="plain">{escape(text)}</pre>', f"{note} {why}".strip())
    # Once more: entities (&#x202E;) are characters only now.
    return Body(visible(html), note, _unseen(env))


def _place(address: str) -> str:
    return escape(cut(visible(unquote(address)), 200))


def _unseen(env: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    used = env.get("shown", set())
    defined = env.get("references", {}).items()
    others = [
        (one["label"], one["href"], one.get("title", "")) for one in env.get("duplicate_refs", ())
    ]
    found = [
        (label, said["href"], said["title"])
        for label, said in defined
        if (said["href"], said["title"]) not in used
    ]
    return tuple((cut(a, 200), cut(b, 500), cut(c, 500)) for a, b, c in (*found, *others))


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    settings = {"html": False, "linkify": False, "maxNesting": MAX_DEPTH}
    reader = _Reader("commonmark", settings, renderer_cls=_Renderer)
    return reader.enable(["table", "strikethrough"])


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - the library's name
        """Every link is read, so that none is dropped; the renderer says what becomes of it."""
        return True


class _Renderer(RendererHTML):
    """Writes the HTML; a method's name is the kind of token that it writes."""

    def render(self, tokens: Sequence[Token], options: OptionsDict, env: Any) -> str:
        headings = [
            (token, tokens[at + 1].content)
            for at, token in enumerate(tokens)
            if token.type == "heading_open"
        ]
        env["slugs"] = used = dict[str, int]()
        for token, content in headings:
            name = begins = slug(content) or "heading"
            while name in used:
                used[begins] += 1
                name = f"{begins}-{used[begins]}"
            used[name] = 0
            token.attrSet("id", f"{env['anchor']}-{name}")
        for token in tokens:
            if token.type in {"heading_open", "heading_close"}:
                token.tag = f"h{min(int(token.tag[1]) + HEADING_SHIFT, 6)}"
            style = token.attrs.pop("style", None)  # the pages allow no styles of their own
            if style and (aligned := _ALIGN.match(str(style))):
                token.attrSet("class", f"to-{aligned[1]}")
        env["closing"], env["shown"] = [], set()
        return super().render(tokens, options, env)

    def table_open(self, *_: Any) -> str:
        return '<div class="scroll"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, _: OptionsDict, env: Any) -> str:
        address = str(tokens[idx].attrGet("href") or "")
        title = str(tokens[idx].attrGet("title") or "")
        env["shown"].add((address, title))
        said = f' <span class="said">({escape(cut(title, 500))})</span>' if title else ""
        local = slug(unquote(address[1:])) if address.startswith("#") else ""
        if local and local in env["slugs"]:
            env["closing"].append(f"</a>{said}")
            return f'<a href="#{quote(env["anchor"] + "-" + local)}">'
        if _LINK.match(address) and len(address) <= MAX_ADDRESS:
            env["closing"].append(f"</a>{said}")
            return f'<a href="{escape(address)}" rel="nofollow noreferrer noopener">'
        env["closing"].append(f" <code>{_place(address)}</code></span>{said}")
        return '<span class="place">'

    def link_close(self, _tokens: Any, _idx: int, _options: Any, env: Any) -> str:
        closing: str = env["closing"].pop()
        return closing

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        token = tokens[idx]
        address, title = str(token.attrGet("src") or ""), str(token.attrGet("title") or "")
        env["shown"].add((address, title))
        alt = self.renderInlineAsText(token.children, options, env) if token.children else ""
        said = f" ({escape(cut(title, 500))})" if title else ""
        return (
            f'<span class="picture">picture: {escape(alt)} '
            f"<code>{_place(address)}</code>{said}</span>"
        )

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        token = tokens[idx]
        language, _blank, more = token.info.strip().partition(" ")
        said = f'<p class="said">{escape(cut(f"{language} {more}", 500))}</p>' if more else ""
        return f"{said}<pre><code>{escape(token.content)}</code></pre>\n"
