"""`make matrix`: a suite in an environment of its own for each set of versions that is supported."""
