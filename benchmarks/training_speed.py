"""Training windows per second of one core: python -m benchmarks.training_speed TRACES.

By the CPU time of a process with one thread, which other load on the machine changes little.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pba.nets.epochs import train_epoch, validate_epoch
from pba.nets.training_recipe import training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from train.splits import splits_from_traces

TEACHERS = {NetworkMode.INTERNET: 3, NetworkMode.DATACENTER: 2}
BATCH = {NetworkMode.INTERNET: 256, NetworkMode.DATACENTER: 128}
IN_A_ROW, PER_SET, WARM_UP = 8, 600, 64


def per_second(windows: int, work: Callable[[], object]) -> str:
    """Return the windows per second of CPU time while ``work`` processes them, as text."""
    start = time.process_time()
    work()
    return f"{windows / (time.process_time() - start):.0f}"


def measure(mode: NetworkMode, traces: Path) -> None:
    """Print the rates of one mode: alone, with its teachers, and validating."""
    shape, rng = PROFILES[mode], np.random.default_rng(0)
    data = splits_from_traces(traces, mode, shape.window)
    recipe = training_recipe(shape, data.train)
    order = data.train.draw_stretches(rng, IN_A_ROW, PER_SET)
    validated = data.val.draw(rng, PER_SET)
    for count in (0, TEACHERS[mode]):
        learner, model = recipe.build(0, IN_A_ROW), recipe.build(0, 1)
        teachers = [recipe.build(1 + seed, IN_A_ROW) for seed in range(count)]
        steps = TrainingSteps(learner, model, adam(1e-3, 1000), recipe, None, teachers)
        train = partial(train_epoch, steps, data.train, batch_size=BATCH[mode], rng=rng)
        validate = partial(validate_epoch, steps, data.val)
        train(order[:WARM_UP])
        validate(validated[:WARM_UP])
        rate = per_second(len(order) * IN_A_ROW, partial(train, order))
        checked = per_second(len(validated), partial(validate, validated))
        print(f"{mode}, {count} teachers: {rate} windows/s trained, {checked} validated, a core")


def main() -> None:
    """Measure both modes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path)
    options = parser.parse_args()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for mode in PROFILES:
        measure(mode, options.traces)


if __name__ == "__main__":
    main()
