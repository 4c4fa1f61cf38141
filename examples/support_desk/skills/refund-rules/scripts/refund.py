#!/usr/bin/env python3
"""Decides a refund: refund.py PRICE ORDERED RETURNED unopened|opened|damaged."""

from __future__ import annotations

import argparse
import json
from datetime import date
from decimal import Decimal

UNTOUCHED, CLAIMS = 30, 90
"""Days within which goods come back by the rules, and within which anybody but a person decides."""
SHARES = {"unopened": Decimal(1), "opened": Decimal("0.8"), "damaged": Decimal(1)}


def main() -> None:
    """Prints the decision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("price", type=Decimal)
    parser.add_argument("ordered", type=date.fromisoformat)
    parser.add_argument("returned", type=date.fromisoformat)
    parser.add_argument("state", choices=SHARES)
    given = parser.parse_args()
    days = (given.returned - given.ordered).days
    if days < 0:
        parser.error("it was returned before it was ordered")
    if days > CLAIMS:
        rule, share = "exception", Decimal(0)
    elif given.state == "damaged":
        rule, share = "damaged on arrival", SHARES["damaged"]
    elif days > UNTOUCHED:
        rule, share = f"after {UNTOUCHED} days", Decimal(0)
    else:
        rule, share = f"{given.state}, within {UNTOUCHED} days", SHARES[given.state]
    refund = (given.price * share).quantize(Decimal("0.01"))
    print(json.dumps({"refund": str(refund), "share": str(share), "rule": rule}))


if __name__ == "__main__":
    main()
