"""The write-ahead journal of a training: private files, locks, and the writing process."""
