"""From errors to a diagnosis, and from there to a recipe: pure functions."""
