"""Published data by name: what is listed, how it is fetched, and how it becomes data like a person's own."""
