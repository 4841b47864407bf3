"""What a training reads of a split before its first step: some of its examples, and a key of its content."""
