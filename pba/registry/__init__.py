"""Model versions on any fsspec path, and which of them is champion.

::

    <root>/<model>/<version>/     the files that `python -m train` wrote, and manifest.json, last
    <root>/<model>/champion/      00000001.json, 00000002.json, …: the newest is the champion

A version without a manifest does not exist; one with a manifest is never changed. A pointer file is
never changed either: each is created where none is, so of two promotions at once one wins, nobody
reads half a pointer, and the old ones are the history. Knows neither the store nor who serves.
"""

from pba.registry.pointers import NONE, SHIPPED, Expected, Pointer
from pba.registry.registry import Registry

__all__ = ["NONE", "SHIPPED", "Expected", "Pointer", "Registry"]
