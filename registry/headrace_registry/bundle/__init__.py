"""The one zip that a job is shipped in: built, verified, signed, opened."""
