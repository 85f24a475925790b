"""gRPC: the server of a router replica, its servicers, and messages from and to domain objects."""
