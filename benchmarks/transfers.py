"""How well are durations of transfers forecast? `python -m benchmarks.transfers --traces DIR`.

Markdown tables by mode and set: the share of durations inside the 80 % interval, the median
relative error as a share of the better rule's, and the same of pre-copy migrations. ``--fit``
prints the exponents of `pba.models.rate_curves` that fit instead, and with ``--without-intervals``
the spread of `pba.models.mean_rates`.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation.candidates import served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.transfer_moments import TransferMoments
from pba.evaluation.transfers import (
    DIRTY_SHARES,
    SIZES_S,
    Coverage,
    MeanRates,
    fitted_exponents,
    fitted_spread,
    known_means,
    score_migrations,
    score_transfers,
)
from pba.evaluation.walk_forward import walk_forward
from pba.registry import artifacts
from pba.telemetry.public_sets import public_set
from pba.telemetry.traces import read_sets
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES

LEAST_MOMENTS = 1000
MIGRATIONS = 500
"""Migrations run over this many moments of a set."""

Sets = Mapping[str, tuple[TransferMoments, MeanRates]]


def main() -> None:
    options = _options()
    for mode in options.modes:
        points = dict(moments_of(mode, options))
        if options.fit and not options.intervals:
            print(f"{mode}: HORIZON_SPREAD = {fitted_spread(points)}")
            continue
        sets = {
            name: (moments, known_means(quantiles_mbps, options.intervals))
            for name, (moments, quantiles_mbps) in points.items()
        }
        if options.fit:
            slow, fast = fitted_exponents(sets)
            print(f"{mode}: SLOW_EXPONENT = {slow}, FAST_EXPONENT = {fast}")
            continue
        print(f"\n{mode}, {options.split} traces\n", *transfer_lines(sets), "", sep="\n")
        print(*migration_lines(sets), sep="\n", flush=True)


def moments_of(
    mode: NetworkMode, options: argparse.Namespace
) -> Iterator[tuple[str, tuple[TransferMoments, Floats]]]:
    """Yield the moments of each set that counts, and the quantiles that are forecast at them."""
    forecaster, card = artifacts.load(str(options.models / mode), mode)
    candidate = served_candidate(forecaster, "pba", card["sha256"])
    for name, traces in read_sets(options.traces, mode).items():
        of_split = [trace for trace in traces if trace.split == options.split]
        if not of_split or not public_set(name).is_counted:
            continue
        try:
            points = EvaluationPoints.of(of_split, PROFILES[mode].window)
        except NotEnoughData:
            continue
        drawn = np.random.default_rng(0).permutation(len(points))[: options.most]
        some = EvaluationPoints(points.windows.only(np.sort(drawn)))
        cache = options.cache / f"{mode}-{options.split}-{name}.npz"
        forecasts = walk_forward(candidate, some, cache)
        yield name, (TransferMoments.of(of_split, some), forecasts.quantiles_mbps)


def transfer_lines(sets: Sets) -> Iterator[str]:
    """Yield a table of transfers: a row a set and size, and the means of those with enough."""
    yield "| set | s | moments | censored | inside | below | above | error | of the better rule's |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    by_size: dict[float, list[tuple[float, ...]]] = {}
    for name, one in sets.items():
        for size_s in SIZES_S:
            score = score_transfers(*one, size_s)
            if score is None:
                continue
            cells = (*_shares(score.coverage), score.error, score.ratio)
            yield _row(name, f"{size_s:g}", score.moments, cells)
            if score.moments >= LEAST_MOMENTS:
                by_size.setdefault(size_s, []).append(cells)
    everything = [cells for rows in by_size.values() for cells in rows]
    for label, rows in [*((f"{size:g}", by_size[size]) for size in by_size), ("all", everything)]:
        if rows:
            yield _row("mean", label, len(rows), tuple(np.mean(rows, axis=0).tolist()))


def migration_lines(sets: Sets) -> Iterator[str]:
    """Yield a table of migrations by size and rate of writing, over the sets."""
    yield "| s | written | moments | time inside | downtime inside | never | right | did not |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for size_s in SIZES_S[:-1]:
        for share in DIRTY_SHARES:
            scores = [
                score_migrations(moments.only(picked), (means[0], means[1][picked]), size_s, share)
                for moments, means in sets.values()
                for picked in [_spread(len(moments.newest))]
            ]
            known = [score for score in scores if score is not None]
            time = np.mean([score.time.inside for score in known])
            downtimes = [one.downtime.inside for one in known if one.downtime is not None]
            downtime = np.mean(downtimes) if downtimes else np.nan
            never = sum(score.never for score in known)
            right = sum(score.right for score in known) / max(never, 1)
            yield (
                f"| {size_s:g} | {share:g} | {sum(score.moments for score in known)} | {time:.3f} "
                f"| {downtime:.3f} | {never} | {right:.3f} "
                f"| {sum(score.not_converged for score in known)} |"
            )


def _spread(count: int) -> np.ndarray:
    """Return at most `MIGRATIONS` of ``count`` places, evenly spread."""
    return np.unique(np.linspace(0, count - 1, MIGRATIONS).astype(int))


def _shares(coverage: Coverage) -> tuple[float, ...]:
    return coverage.censored, coverage.inside, coverage.below, coverage.above


def _row(name: str, size: str, count: int, cells: tuple[float, ...]) -> str:
    return f"| {name} | {size} | {count} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--most", type=int, default=4000, help="moments of a set")
    parser.add_argument("--modes", nargs="*", type=NetworkMode, default=list(PROFILES))
    parser.add_argument("--cache", type=Path, default=Path("build/transfers"))
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--without-intervals", dest="intervals", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
