"""Long searches for inputs that harm: ``python -m tests.fuzz KIND --seed 0 --examples 1000``.

The suite tries a few hundred examples of each kind; this tries as many as asked for. An example is a function
of its number alone, so every find prints the line that makes it again.
"""
