"""Sends journals to MLflow: the sending process, the state of a run, and journals left for later."""
