"""Event logs, read: from files that may be damaged, by filters, as trees, by SQL."""
