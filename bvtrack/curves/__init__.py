"""The learning curve of a run: its shape, its trend, and forecasts from it."""
