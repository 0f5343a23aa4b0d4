"""The tests of this repository; `tests.servers` also serves the demo and the benchmarks."""
