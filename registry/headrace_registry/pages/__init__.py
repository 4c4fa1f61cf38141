"""The pages of a registry for people: static files that work from a folder and from any server.

There is one function of the catalogue and the skills' texts: the same input gives the same bytes.
It needs the extra ``publish``.
"""

from __future__ import annotations

from headrace_registry.pages._render import FRONT_PACKAGES, PAGE_PACKAGES, looks, render

__all__ = ["FRONT_PACKAGES", "PAGE_PACKAGES", "looks", "render"]
