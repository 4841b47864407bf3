"""Images and texts that are nearly the same."""
