"""The command ``agents``: it parses, calls, and prints; what it calls lives in the other parts."""
