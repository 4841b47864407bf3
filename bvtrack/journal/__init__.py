"""The write-ahead journal of a training: private files, locks, and who writes them."""
