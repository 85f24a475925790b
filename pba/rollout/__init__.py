"""Rollout of v3: flags, the assignment of links to arms, and the test that compares the arms.

Pure functions and values. The flags are stored by `pba.store`, and `pba.monitoring` changes them
when the comparison is decided.
"""

from pba.rollout.flags import Arm, Flags, bucket, fnv1a

__all__ = ["Arm", "Flags", "bucket", "fnv1a"]
