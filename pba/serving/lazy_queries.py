"""Queries that are read when their chunk is due, so that models start on the first chunk."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from pba.errors import PBAError
from pba.forecasting import Query

__all__ = ["LazyQueries"]

_Item = Query | PBAError


class LazyQueries(Sequence[_Item]):
    """The queries of a large request, none of which names a link.

    Reading a chunk takes some milliseconds, in which the model computes the one before. It is read
    again each time that its queries are taken.

    Parameters
    ----------
    items
        The queries as they came.
    read
        Returns a query, or its error, for each of some items.
    """

    def __init__(self, items: Sequence[Any], read: Callable[[Sequence[Any]], list[_Item]]) -> None:
        self._items = items
        self._read = read

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self, index: slice) -> "LazyQueries": ...
    def __getitem__(self, index: int | slice) -> "_Item | LazyQueries":
        """Read one query, or return a chunk of them that is not read yet."""
        if isinstance(index, slice):
            return LazyQueries(self._items[index], self._read)
        (query,) = self._read([self._items[index]])
        return query

    def __iter__(self) -> Iterator[_Item]:
        """Read all of them at once."""
        return iter(self._read(self._items))
