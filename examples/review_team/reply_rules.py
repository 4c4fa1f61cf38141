"""What code can check of a reply, whatever any model says."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "faults_of"]

LONGEST = 300
"""Characters of a reply."""

_PROMISE = re.compile(
    r"(?i)\b(refund\w*|reimburs\w+|compensat\w+|money back|voucher|discount|free of charge)\b"
)
_CONTACT = re.compile(r"\S+@\S+|https?://\S+|\+?\d[\d /-]{6,}\d")


def faults_of(draft: str, *, customer: str, product: str) -> list[str]:
    """What is wrong with a draft; nothing where it may leave."""
    faults = []
    if not draft.strip():
        faults.append("empty: there is no reply")
    if len(draft) > LONGEST:
        faults.append(f"length: {len(draft)} characters, {LONGEST} at most")
    if not re.search(rf"\b{re.escape(customer)}\b", draft):
        faults.append(f"name: it does not address {customer}")
    if product.casefold() not in draft.casefold():
        faults.append(f"product: it does not name the {product}")
    if found := _PROMISE.search(draft):
        faults.append(f"promise: {found[0]!r} promises what a reply must not")
    if _CONTACT.search(draft):
        faults.append("contact: addresses and numbers do not belong into a public reply")
    return faults
