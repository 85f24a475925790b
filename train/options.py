"""Command-line options that `python -m train` and `python -m train retrain` share."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Address",
    "BatchSize",
    "Gpu",
    "OnlySets",
    "Resume",
    "Seed",
    "UnseenSets",
    "WithoutSets",
    "Workers",
    "command_line",
]

Address = Annotated[
    str, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; `local` starts one here.")
]
BatchSize = Annotated[int, typer.Option(help="Windows per step, over all workers.", min=1)]
Gpu = Annotated[
    bool,
    typer.Option("--gpu", help="A GPU for each worker; needs a TensorFlow for CUDA. Untried."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
WithoutSets = Annotated[
    list[str] | None, typer.Option(help="A set of traces to report on only, without training.")
]
OnlySets = Annotated[
    list[str] | None,
    typer.Option("--sets", help="A set of traces to learn from; if given, the others are not."),
]
UnseenSets = Annotated[
    list[str] | None,
    typer.Option(help="A set to report on only, with all sets of its group."),
]
Workers = Annotated[int, typer.Option(help="Ray Train workers per mode.", min=1)]


def command_line(*private: Path | str | None) -> str:
    """Return the command line for a card, with DIR in place of each of the ``private`` values."""
    words = sys.argv[1:]
    for secret in (str(value) for value in private if value is not None):
        if secret:
            words = [word.replace(secret, "DIR") for word in words]
    return shlex.join(["python", "-m", "train", *words])
