"""Splits checked: their sizes, their distributions, and what they share."""
