"""From a logged metric, or a model's outputs, to an error."""
