"""Diagnosis of existing MLflow runs, whatever logged them."""
