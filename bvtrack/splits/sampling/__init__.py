"""Random samples and content fingerprints of splits, read before the first training step."""
