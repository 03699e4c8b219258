"""What leaves a project: lists and tables. Needs no torch, so that it answers at once."""
