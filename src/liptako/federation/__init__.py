"""Exchange with the other members: over HTTPS between pinned keys, or by file."""
