"""Diagnosis of errors, and the recipe that follows from it: pure functions."""
