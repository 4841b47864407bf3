"""Errors from logged metrics, or from a model's outputs."""
