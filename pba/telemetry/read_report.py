"""What reading a trace file left out, ignored or converted: counted, with the first examples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pba.errors import InvalidTrace

__all__ = ["Fault", "ReadReport", "shortened"]

_EXAMPLES = 3
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault in a file.

    Parameters
    ----------
    subject
        What is wrong: a column, or ``the row``.
    rule
        What it should be, as the end of a sentence: ``it is a share between 0 and 1``.
    remedy
        What to do about it, as a sentence.
    keeps_row
        Whether only the value is ignored; otherwise the row is left out.
    """

    subject: str
    rule: str
    remedy: str
    keeps_row: bool = False


@dataclass(slots=True)
class _Occurrences:
    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


class ReadReport:
    """Collects the faults and the conversions of one file.

    Parameters
    ----------
    path
        The file, for messages.
    strict
        Whether the first fault is an error instead of a count.

    Examples
    --------
    >>> report = ReadReport(Path("a.csv"))
    >>> loss = Fault("packet_loss", "it is a share", "Divide by 100.", keeps_row=True)
    >>> report.add(loss, [("row 4 (line 5)", "1.7")])
    >>> report.lines()
    ['a.csv: 1 value ignored: packet_loss is 1.7 in row 4 (line 5); it is a share. Divide by 100.']
    """

    def __init__(self, path: Path, strict: bool = False) -> None:
        self._path, self._strict = path, strict
        self._notes: list[str] = []
        self._faults: dict[Fault, _Occurrences] = {}

    @property
    def notes(self) -> Sequence[str]:
        """The conversions and assumptions, one sentence each."""
        return self._notes

    def note(self, text: str) -> None:
        """Add what a user should know about the file and what is no fault; once."""
        if text not in self._notes:
            self._notes.append(text)

    def add(self, fault: Fault, where: Iterable[tuple[str, str]], count: int | None = None) -> None:
        """Count occurrences of ``fault``.

        Parameters
        ----------
        where
            Place and value of the occurrences; the first few are read.
        count
            How many there are; by default as many as ``where`` has.

        Raises
        ------
        InvalidTrace
            If the report is strict and there is one.
        """
        where = list(where) if count is None else where
        total = len(where) if isinstance(where, list) and count is None else count or 0
        if not total:
            return
        occurrences = self._faults.setdefault(fault, _Occurrences())
        examples = islice(where, _EXAMPLES - len(occurrences.examples))
        occurrences.examples += [(place, shortened(value)) for place, value in examples]
        occurrences.count += total
        if self._strict:
            place, value = occurrences.examples[0]
            raise InvalidTrace(
                f"{self._path}, {place}: {fault.subject} is {value}; {fault.rule}. {fault.remedy}"
            )

    def count(self, keeps_row: bool = False) -> int:
        """Return how many rows were left out, or how many values ignored (``keeps_row``)."""
        return sum(
            occurred.count
            for fault, occurred in self._faults.items()
            if fault.keeps_row is keeps_row
        )

    def first(self) -> str:
        """Return the line of the most frequent fault, without the file; empty if there is none."""
        faults = sorted(self._faults.items(), key=lambda item: -item[1].count)
        return _line(*faults[0]) if faults else ""

    def lines(self) -> list[str]:
        """Return one line a kind of fault, then one a note."""
        faults = [_line(fault, occurred) for fault, occurred in self._faults.items()]
        return [f"{self._path}: {line}" for line in (*faults, *self._notes)]


def _line(fault: Fault, occurrences: _Occurrences) -> str:
    noun, verb = ("value", "ignored") if fault.keeps_row else ("row", "left out")
    plural = "" if occurrences.count == 1 else "s"
    examples = ", ".join(f"{value} in {place}" for place, value in occurrences.examples)
    more = ", …" if occurrences.count > len(occurrences.examples) else ""
    return (
        f"{occurrences.count} {noun}{plural} {verb}: {fault.subject} is {examples}{more}; "
        f"{fault.rule}. {fault.remedy}"
    )


def shortened(value: str) -> str:
    """Return ``value`` on one line, cut to 60 characters."""
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST_VALUE else f"{line[:_LONGEST_VALUE]}…"
