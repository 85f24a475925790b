"""Which sets of traces a training learns from; all sets are reported on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidTrace
from pba.telemetry.public_sets import SetUse, public_set

__all__ = ["ALL_SETS", "SetSelection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSelection:
    """Which sets to learn from.

    Parameters
    ----------
    only
        Exactly these sets; empty for all whose recordings no other set holds.
    without
        Sets to report on only.
    unseen
        Sets to report on only, together with their groups: networks that the model never meets.
    """

    only: Sequence[str] = ()
    without: Sequence[str] = ()
    unseen: Sequence[str] = ()

    def training_sets(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of the sets ``names`` are learnt from."""
        if self.only:
            chosen = set(names) & set(self.only)
        else:
            chosen = {name for name in names if public_set(name).use is not SetUse.SIBLING}
        groups = {sibling for name in self.unseen for sibling in public_set(name).siblings}
        return frozenset(chosen - set(self.without) - groups)

    def check(self, folder: Path, mode: str, names: Sequence[str]) -> None:
        """Refuse names of sets that do not exist.

        Raises
        ------
        InvalidTrace
            If ``folder`` has no set of a name, or ``mode`` none of those to learn from.
        """
        for name in (*self.only, *self.without, *self.unseen):
            elsewhere = any(folder.glob(f"*/{name}.*")) and name not in self.without
            if name not in names and not elsewhere:
                raise InvalidTrace(
                    f"{folder} has no {mode} set {name}; its sets are {', '.join(names)}. Name one "
                    "of those."
                )
        if not self.training_sets(names):
            raise InvalidTrace(
                f"{folder} has no {mode} set to learn from: --sets, --without and --unseen leave "
                f"none of {', '.join(names)}. Leave at least one."
            )


ALL_SETS = SetSelection()
"""Every set, but none whose recordings another set holds."""
