"""From a training to MLflow: the journal, the process that sends it, and the Tracker in front."""
