"""Runs that anything logged to MLflow, diagnosed afterwards."""
