"""Which tests pytest-xdist runs in one process, in the order of their collection."""

from xdist.scheduler import LoadScopeScheduling

# The modules that share one service, in the order in which they leave it usable for the next.
SHARED_SERVICE = [
    f"tests/deployments/test_{name}.py"
    for name in (
        "closed_loop",
        "running",
        "grpc",
        "scaling",
        "model_reload",
        "rollout",
        "durability",
        "registry",
        "shutdown",
    )
]


def group(nodeid: str) -> str:
    """Return what is run together with a test: its module, or all that shares a Ray with it.

    >>> group("tests/deployments/test_grpc.py::test_a"), group("tests/train/test_job.py::test_b")
    ('service', 'training')
    >>> group("tests/store/test_queries.py::test_c")
    'tests/store/test_queries.py'
    """
    path = nodeid.partition("::")[0]
    if path in SHARED_SERVICE:
        return "service"
    return "training" if path.startswith("tests/train/") else path


class GroupScheduling(LoadScopeScheduling):
    """Gives each process group after group."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
