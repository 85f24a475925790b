"""The service without Ray: one asynchronous core for HTTP, gRPC, handle calls and one process.

`DataPlane` is what callers reach. Behind it are forecasts, stored links, group commit, recording,
admission, deadlines and the watch on flags. Wire formats, metrics and Ray are in `deployments`.
"""
