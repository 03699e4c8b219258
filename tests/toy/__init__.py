"""A kind of task that the program does not have: its two files, as somebody would add them."""
