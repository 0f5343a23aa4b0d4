"""The contract as proofs: see README.md in this folder."""
