"""Mergeable profiles of splits: counts by column and class, and hashes of rows."""
