"""Reads and writes MLflow's store: runs, metrics, refusals."""
