"""The metrics, tags and artifacts that users see in MLflow: their names, and how they are written and read."""
