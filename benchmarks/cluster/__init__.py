"""What a cluster goes through: `python -m benchmarks.cluster --help`.

Each command builds the test bed of `tests.cluster.bed` on this machine, and needs root for that.
"""
