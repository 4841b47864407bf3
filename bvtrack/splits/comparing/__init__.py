"""Two-sample tests and leakage checks between the profiles of splits."""
