"""Worlds to act in: their contract (:mod:`.base`) and what happens when somebody acts (:mod:`.rollout`).

A world itself is declared in the file of its task family, under :mod:`workbench.tasks`.
"""
