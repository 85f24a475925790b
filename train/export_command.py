"""The command line of `python -m train export`."""

from pathlib import Path
from typing import Annotated

import typer

from pba.errors import InvalidInput
from pba.types.profile import ModeSelection

from . import options
from .console import open_console, readable_path
from .summary import results_table

__all__ = ["export"]

Mode = Annotated[ModeSelection, typer.Option(help="The mode of the model in FOLDER.")]
Folder = Annotated[Path, typer.Argument(help="The folder of one model, such as models/internet.")]
Traces = Annotated[Path, typer.Option(help="Folder of real traces, to measure the export on.")]

Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="Fit the calibration again, on the val traces.")
]


def export(folder: Folder, mode: Mode, traces: Traces, calibrate: Calibrate = False) -> None:
    """Export the network in FOLDER again, as a new version: same weights, today's graph."""
    if mode is ModeSelection.BOTH:
        raise InvalidInput("--mode is both; a folder holds one model: datacenter or internet.")
    (network_mode,) = mode.modes
    with open_console(Path("build/export.log").resolve()) as console:
        console.line(f"Exporting the network in {folder}")
        console.line(f"Logs of TensorFlow: {readable_path(console.log)}")
        # Ray and TensorFlow take seconds to load.
        from .reexport import export_again

        command = options.command_line(traces)
        card = export_again(folder, network_mode, traces, command, calibrate)
        console.table(results_table([card]))
        console.line(f"Done in {console.elapsed}: {readable_path(folder)} holds {card['version']}")
