"""Which arm answers for a link: flags, buckets, and the sequential test that compares the arms.

Pure decisions. Where flags are stored and who acts on them is elsewhere.
"""

from pba.rollout.flags import Arm, Flags, bucket, fnv1a

__all__ = ["Arm", "Flags", "bucket", "fnv1a"]
