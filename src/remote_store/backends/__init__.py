"""Backends: each module talks to one service and does nothing else."""
