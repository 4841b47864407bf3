"""Batches from whatever holds examples, and how many of them are read."""
