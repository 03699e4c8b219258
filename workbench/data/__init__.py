"""A person's own data: readers for each layout, checks, and the sets that are registered by name."""
