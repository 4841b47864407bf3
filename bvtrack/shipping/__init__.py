"""From journals to MLflow: the sending process, what it knows of a run, and what is sent later."""
