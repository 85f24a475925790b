"""The deployments behind the router: model replicas and the Monitor, and the calls of both.

Also what every replica needs from Ray: metrics by Serve, its node's address, jobs for retraining.
"""
