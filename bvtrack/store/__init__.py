"""MLflow's store, read and written: runs, metrics, refusals."""
