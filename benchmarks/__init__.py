"""How fast the service is, one question a file. `python -m benchmarks` asks them all."""
