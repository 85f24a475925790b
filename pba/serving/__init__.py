"""The service without Ray: forecasts, stored links, group commit, recording, admission, deadlines.

The same core answers HTTP, gRPC, a handle and one process. Wire formats are in `deployments`.
"""
