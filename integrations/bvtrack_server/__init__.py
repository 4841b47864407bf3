"""The bias-variance map of all runs: beside MLflow's own UI, or as one HTML file."""

from bvtrack_server.document import render_map

__all__ = ["render_map"]
