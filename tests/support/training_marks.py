"""The marks of tests that train on a real Ray."""

import pytest

__all__ = ["RAY_TRAINING"]

RAY_TRAINING = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_cluster"),
    # Ray leaves its own sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
]
