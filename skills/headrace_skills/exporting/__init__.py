"""Installed skills lent to coding agents that read folders, and kept in step with the packages."""

from __future__ import annotations

from headrace_skills.exporting._exporting import Export, How, Step, export_skills
from headrace_skills.exporting._manifest import MANIFEST, ExportError

__all__ = ["MANIFEST", "Export", "ExportError", "How", "Step", "export_skills"]
