"""Near-duplicate images and texts across two splits."""
