"""Benchmarks: ratios against a floor or a peer that is measured in the same run, on the same data.

``python -m tests.bench`` prints them, ``--write`` makes docs/benchmarks.md of them. No test asserts any of these
numbers: a verdict is something to read, not something that breaks a build on a busy machine.
"""
