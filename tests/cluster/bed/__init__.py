"""Several machines on one: namespaces, a network between them, and the service deployed over them.

A test bed lives in a process of its own (`isolation`): whatever it starts ends with that process.
"""
