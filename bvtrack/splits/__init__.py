"""Checks of data splits: their sizes, distribution shift, and leaks."""
