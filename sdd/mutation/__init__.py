"""Mutation testing of the kernel: see ``run.py``."""
