"""The model registry: published versions, champion pointers, promotion, and following them.

::

    <root>/<model>/<version>/     the files that `python -m train` wrote, and manifest.json, last
    <root>/<model>/champion/      00000001.json, 00000002.json, …: the newest is the champion

Files are on any fsspec path. A version exists once it has a manifest, and never changes after that.
Pointer files are only created, never changed: of two concurrent promotions one wins, no reader sees
an incomplete pointer, and the old pointers are the history. The package knows neither the store nor
the serving processes.
"""

from pba.registry.pointers import NONE, SHIPPED, Expected, Pointer
from pba.registry.registry import Registry

__all__ = ["NONE", "SHIPPED", "Expected", "Pointer", "Registry"]
