"""Serve deployments beside the router: model replicas, the Monitor, and how they are called."""
