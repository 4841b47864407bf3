"""MLflow's tracking URIs: parsing, hiding of credentials, and SQLite files."""
