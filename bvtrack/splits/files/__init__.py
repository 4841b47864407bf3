"""Splits in files: tables, arrays, folders of images."""
