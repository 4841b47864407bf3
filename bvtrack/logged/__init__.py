"""Runs that other tools logged: their errors, params and split sizes."""
