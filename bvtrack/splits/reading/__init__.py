"""Read batches of examples from arrays, tables, datasets and loaders."""
