"""MLflow's tracking URIs: parsed, shown without credentials, and the SQLite file that one names."""
