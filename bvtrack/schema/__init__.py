"""What bvtrack writes into MLflow, by name: each thing is written and read at the same place."""
