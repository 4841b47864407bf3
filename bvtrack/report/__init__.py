"""The verdict as people read it."""
