"""Splits read from files: tables, arrays, image folders."""
