"""A chat model without a model: it follows the rules of a readable policy file.

It is for tests, demos and dry runs: what it answers stands in the policy, word for word, and the
same request always gets the same answer. It understands nothing.
"""

from __future__ import annotations

from headrace_scripted._errors import PolicyError
from headrace_scripted._model import ScriptedChatModel

__all__ = ["PolicyError", "ScriptedChatModel"]
