"""Benchmarks: ratios of things measured side by side, in turns, in one run."""
