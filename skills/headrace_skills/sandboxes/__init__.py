"""The sandboxes that ship here. What they have in common is in ``headrace_skills.sandbox``."""
