"""What remote-store costs beside the bare clients and its peers: `python -m benchmarks`."""
