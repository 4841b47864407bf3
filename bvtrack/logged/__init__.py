"""Runs that others logged: their errors, params and split sizes."""
