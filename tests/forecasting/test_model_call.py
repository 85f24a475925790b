"""Parts of a model's output."""

import numpy as np

from pba.forecasting.model_call import ModelOutput
from pba.models.base import Prediction
from pba.models.distribution import Bins

BINS = Bins.spaced(122, 6.0, 0.05)


def test_the_rows_of_an_output_are_those_of_all_its_parts(rng: np.random.Generator) -> None:
    points, means = rng.dirichlet(np.ones(len(BINS)), (2, 6, 3))
    level_mbps, path = rng.uniform(1.0, 9.0, 6), rng.uniform(0.0, 1.0, (6, 3))
    whole = ModelOutput("v", BINS, Prediction(points, level_mbps, path, intervals=means))
    parts = [whole.rows(start, start + 2) for start in (0, 2, 4)]
    joined = ModelOutput.concatenate(parts).prediction
    assert joined.intervals is not None
    np.testing.assert_array_equal(joined.intervals, means)
    np.testing.assert_array_equal(joined.probabilities, points)
    np.testing.assert_array_equal(joined.path, path)
