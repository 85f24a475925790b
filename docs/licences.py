"""The licences of what the project installs, as the packages themselves state them."""

import re
from importlib import metadata
from pathlib import Path

__all__ = ["document"]

_LOCKS = Path(__file__).parents[1] / "requirements"
_HEAD = """\
# Licences of other projects

The distributions of PBA hold no code of other projects. These packages are installed beside it,
with its client or with an extra. The licences are as the packages state them. `make docs` writes
this list from the locks. NOTICE names the data that the models were trained on.
"""
_LONGEST = 60  # characters; a field with more holds the text of a licence instead of its name


def document() -> str:
    """Return THIRD_PARTY_LICENSES.md: every package of the locks, and what installs it.

    The packages of the largest lock are installed where this runs.
    """
    lines = [_HEAD, "| package | version | licence | installed by |", "| --- | --- | --- | --- |"]
    known: set[str] = set()
    for lock, name in (("client", "client"), ("serve", "`[serve]`"), ("train", "`[train]`")):
        for package, version in _versions(lock).items():
            if package not in known:
                lines.append(f"| {package} | {version} | {_licence(package)} | {name} |")
        known |= _versions(lock).keys()
    return "\n".join([*lines, ""])


def _versions(lock: str) -> dict[str, str]:
    text = (_LOCKS / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.M))


def _licence(package: str) -> str:
    """Return the SPDX expression of an installed package, else its other statements."""
    fields = metadata.metadata(package)
    if expression := fields.get("License-Expression"):
        return expression
    classifiers = fields.get_all("Classifier") or []
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    specific = [name for name in names if name != "OSI Approved"]
    text = " ".join((fields.get("License") or "").split())
    return ", ".join(specific) or (text if 0 < len(text) <= _LONGEST else "see its files")
