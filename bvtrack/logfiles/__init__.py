"""Log files of other tools, without a store: each becomes a run with its metrics' histories."""
