"""The entrance for HTTP and handle calls: the router, its routes, and the bodies.

A route reads a body into domain objects, calls `pba.serving.data_plane`, and writes the answer.
gRPC has a package of its own beside this one.
"""
