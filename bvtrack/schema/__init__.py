"""Names and formats of all that bvtrack writes to MLflow, each written and read in one place."""
