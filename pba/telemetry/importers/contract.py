"""The contract of a reader of one format, and the readers that there are."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Protocol, TypeGuard

from pba.errors import InvalidTrace
from pba.telemetry import importers
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource

__all__ = ["Importer", "all_importers", "importer_for"]

_MEMBERS = ("name", "general", "recognises", "read")


class Importer(Protocol):
    """Reads one format.

    Parameters
    ----------
    name
        What ``--format`` calls it; no other importer has it.
    general
        Whether it takes any table, so that it comes after those of one tool's format.
    """

    name: str
    general: bool

    def recognises(self, source: TraceSource) -> bool:
        """Return whether the source is of this format, by its content and never by its name."""
        ...

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each link, in PBA's units.

        Conversions are noted in ``report``, and what cannot be used is counted there.

        Raises
        ------
        InvalidTrace
            If the source holds nothing that can be read.
        """
        ...


@cache
def all_importers() -> tuple[Importer, ...]:
    """Return an instance of every importer in `pba.telemetry.importers`, the general ones last.

    >>> {"table", "iperf3"} <= {importer.name for importer in all_importers()}
    True
    """
    names = sorted(module.name for module in pkgutil.iter_modules(importers.__path__))
    modules = [importlib.import_module(f"{importers.__name__}.{name}") for name in names]
    instances = [
        kind()
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and _is_importer(kind)
    ]
    return tuple(sorted(instances, key=lambda importer: importer.general))


def _is_importer(kind: type) -> TypeGuard[type[Importer]]:
    public = not kind.__name__.startswith("_") and kind is not Importer
    return public and all(hasattr(kind, member) for member in _MEMBERS)


def importer_for(source: TraceSource, format_name: str = "auto") -> Importer:
    """Return the importer of such a name, or that recognises ``source``.

    Raises
    ------
    InvalidTrace
        If there is none.
    """
    readers = all_importers()
    names = ", ".join(importer.name for importer in readers)
    if format_name != "auto":
        readers = tuple(importer for importer in readers if importer.name == format_name)
        if not readers:
            raise InvalidTrace(f"format is {format_name!r}; it is auto or one of {names}.")
    for importer in readers:
        if importer.recognises(source):
            return importer
    if format_name != "auto":
        raise InvalidTrace(
            f"{source.path} is not of the format {format_name}: it lacks what marks that format. "
            "Leave out --format to have it recognised."
        )
    first = next((line for line in source.head.splitlines() if line.strip()), "")[:60]
    raise InvalidTrace(
        f"{source.path} cannot be read: it starts with {first!r}, and is no table with a header "
        f"and of none of the formats {names}. Name the format with --format, or write the columns "
        "timestamp_s and bandwidth_mbps."
    )
