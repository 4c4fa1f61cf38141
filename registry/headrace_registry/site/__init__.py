"""A registry's site, for its keeper: built, published to, yanked from, mirrored, and served."""

from __future__ import annotations

from headrace_registry.site._building import build_site, publish, reserve, sign_site, yank
from headrace_registry.site._change import BuildReport
from headrace_registry.site._checking import check_publishable
from headrace_registry.site._describing import Described, describe
from headrace_registry.site._mirroring import Mirrored, mirror
from headrace_registry.site._sending import send
from headrace_registry.site._serving import Server, serve
from headrace_registry.site._signing import Signer
from headrace_registry.site._uploads import Uploads

__all__ = [
    "BuildReport",
    "Described",
    "Mirrored",
    "Server",
    "Signer",
    "Uploads",
    "build_site",
    "check_publishable",
    "describe",
    "mirror",
    "publish",
    "reserve",
    "send",
    "serve",
    "sign_site",
    "yank",
]
