"""Error rates and the gaps between them, with their 95 % intervals."""
