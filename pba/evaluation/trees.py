"""Gradient-boosted trees, the strongest simple baseline, trained on the networks' windows.

scikit-learn is needed for evaluation only, so it is imported inside functions.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation.candidates import Candidate, CandidateForecasts, point_only
from pba.telemetry.datasets import WindowSet
from pba.types import Floats

__all__ = ["boosted_trees"]

_LEAST_MBPS, _REACH = 1e-3, 6.0
_SPANS = (3, 5, 10, 20)
_PER_SET = 20_000
_LEAST_WINDOWS = 200
_ROUNDS = 200


def boosted_trees(name: str, train: WindowSet, seed: int = 0) -> Candidate:
    """Return trees trained on at most 20 000 windows of each set of ``train``.

    Histogram-based gradient boosting on absolute error (Ke et al., "LightGBM", NeurIPS 2017) of the
    log-ratio to the newest sample, one model per target.

    Raises
    ------
    NotEnoughData
        For fewer than 200 windows.
    """
    order = train.draw(np.random.default_rng(seed), _PER_SET)
    if len(order) < _LEAST_WINDOWS:
        raise NotEnoughData(
            f"{name} has {len(order)} training windows; trees need {_LEAST_WINDOWS}. Evaluate "
            "without trees."
        )
    identity = hashlib.sha256(train.values.tobytes() + order.tobytes() + b"3").hexdigest()
    return Candidate(name, identity, _Trees(train, order, seed))


@dataclass(slots=True, eq=False)
class _Trees:
    """Trains at the first call: cached forecasts need no training."""

    train: WindowSet
    order: np.ndarray
    seed: int
    models: "tuple[_Tree, ...]" = ()

    def __call__(self, telemetry: Floats) -> CandidateForecasts:
        if not self.models:
            self.models = self._train()
        features = _features(telemetry)
        ratios = [model.log_ratios(features) for model in self.models]
        factors = np.exp(np.stack(ratios, axis=1))
        return point_only(_newest(telemetry)[:, None] * factors)

    def _train(self) -> "tuple[_Tree, ...]":
        from sklearn.ensemble import HistGradientBoostingRegressor

        batch = self.train.gather(self.order)
        features = _features(batch.telemetry)
        newest = _newest(batch.telemetry)
        models: list[_Tree] = []
        for target in np.concatenate([batch.future_mbps, batch.mean_mbps], axis=1).T:
            known = ~np.isnan(target)
            if not known.any():
                models.append(_Tree(None, np.array([])))
                continue
            actual = np.maximum(target[known], _LEAST_MBPS)
            ratio = np.clip(np.log(actual / newest[known]), -_REACH, _REACH)
            model = HistGradientBoostingRegressor(
                loss="absolute_error", max_iter=_ROUNDS, learning_rate=0.1, random_state=self.seed
            )
            # Scikit-learn cannot bin a column that none of these windows has.
            columns = np.flatnonzero(~np.isnan(features[known]).all(axis=0))
            models.append(_Tree(model.fit(features[known][:, columns], ratio), columns))
        return tuple(models)


@dataclass(frozen=True, slots=True, eq=False)
class _Tree:
    """The model of one target, None where no window has it, and the columns that it takes."""

    model: Any
    columns: np.ndarray

    def log_ratios(self, features: Floats) -> Floats:
        """Return a log-ratio for each row of ``features``, NaN without a model."""
        if self.model is None:
            return np.full(len(features), np.nan)
        ratios: Floats = self.model.predict(features[:, self.columns])
        return ratios


def _newest(telemetry: Floats) -> Floats:
    return np.asarray(np.maximum(telemetry[:, -1, 0], _LEAST_MBPS), dtype=float)


def _features(telemetry: Floats) -> Floats:
    """Return log-ratios to the newest sample, statistics over spans, and newest optional values."""
    logs = np.log(np.maximum(telemetry[:, :, 0].astype(float), _LEAST_MBPS))
    ratios = np.clip(logs - logs[:, -1:], -_REACH, _REACH)
    spans = [ratios[:, -span:] for span in _SPANS] + [ratios]
    columns = [ratios[:, :-1], logs[:, -1:]]
    columns += [np.stack([f(span, axis=1) for span in spans], 1) for f in (np.mean, np.std, np.min)]
    return np.concatenate([*columns, telemetry[:, -1, 1:]], axis=1)
