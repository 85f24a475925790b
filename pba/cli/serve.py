"""`pba serve`: the service on this machine, in the place of this process."""

import os
import sys

import typer

from pba.extras import require_library
from pba.project import package_name

__all__ = ["PASSED_ON", "serve"]

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""The settings with which all words of the command reach the service's own command line."""


def serve(context: typer.Context) -> None:
    """Serve forecasts on this machine until Ctrl-C, with the shipped models."""
    require_library("ray", "the service")
    command = [sys.executable, "-m", package_name("deployments"), *context.args]
    os.execv(sys.executable, command)
