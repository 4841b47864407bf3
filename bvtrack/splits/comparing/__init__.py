"""Two-sample tests between the profiles of splits, and leaks between them."""
