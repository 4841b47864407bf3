"""Mergeable profiles of splits: binned counts by column and class, and row hashes."""
