"""What runs reached: which are one algorithm, curves, comparisons, statistics; values that charts and
papers share. Needs no torch, so that it answers at once."""
