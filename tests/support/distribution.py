"""Which tests pytest-xdist runs in one process, in the order of their collection."""

from xdist.scheduler import LoadScopeScheduling

__all__ = ["RAY_MODULES", "GroupScheduling", "group"]

RAY_MODULES = [
    *(
        # These share one service, in the order in which they leave it usable for the next.
        f"tests/deployments/test_{name}.py"
        for name in (
            "closed_loop",
            "dashboards",
            "running",
            "grpc",
            "traces",
            "inference_clients",
            "keys",
            "scaling",
            "model_reload",
            "rollout",
            "durability",
            "registry",
            "shutdown",
        )
    ),
    "tests/deployments/test_tls.py",
    "tests/cluster/test_chaos.py",
    "tests/test_installation.py",
    # These share one over PostgreSQL.
    "tests/regression/test_wire.py",
    "tests/deployments/test_faults.py",
    # These share a head that takes jobs.
    "tests/deployments/test_retraining_whole.py",
    "tests/train/test_submit.py",
    # These share one cluster.
    "tests/train/test_telemetry_slices.py",
    "tests/train/test_ray_trainer.py",
    "tests/train/test_retrain_whole.py",
    "tests/train/test_training_command.py",
]
"""Every module that starts Ray, in the order of the run: one Ray at a time, or they slow each other
down until something times out."""


def group(nodeid: str) -> str:
    """Return the name of the tests that run in one process with a test.

    >>> group("tests/deployments/test_grpc.py::test_a"), group("tests/train/test_submit.py::test_b")
    ('ray', 'ray')
    >>> group("tests/store/test_link_queries.py::test_c")
    'tests/store/test_link_queries.py'
    """
    path = nodeid.partition("::")[0]
    return "ray" if path in RAY_MODULES else path


class GroupScheduling(LoadScopeScheduling):
    """Gives each process group after group."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
