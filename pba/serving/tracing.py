"""Spans of the requests that are traced. What a span is, and where it goes, whoever traces knows.

Most requests are not traced: for them `span` looks at one context variable.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

__all__ = ["OpenSpan", "open_spans", "span", "trace_headers", "traced"]


class OpenSpan(Protocol):
    """A span that is open, which others may become children of."""

    @property
    def headers(self) -> Mapping[str, str]:
        """W3C trace context, with which another process goes on with the trace."""

    def child(
        self, name: str, attributes: Mapping[str, str | int]
    ) -> contextlib.AbstractContextManager["OpenSpan"]:
        """Open a span below this one for as long as the context lasts."""


_traces: ContextVar[tuple[OpenSpan, ...]] = ContextVar("traces", default=())
_NOTHING = contextlib.nullcontext()


def span(name: str, /, **attributes: str | int) -> contextlib.AbstractContextManager[None]:
    """Return a context for a step of a request: a span in each of its traces, as a rule in none."""
    return _in_each_trace(name, attributes) if _traces.get() else _NOTHING


def open_spans() -> tuple[OpenSpan, ...]:
    """Return the open span of each trace that this step belongs to.

    Several requests may share a step, such as a transaction.
    """
    return _traces.get()


def trace_headers() -> Mapping[str, str] | None:
    """Return what another process needs to go on with the trace, None where nothing is traced."""
    traces = _traces.get()
    return traces[0].headers if traces else None


def traced(traces: Sequence[OpenSpan]) -> contextlib.AbstractContextManager[None]:
    """Return a context in which what is done belongs to ``traces``, and to no others."""
    return _with_traces(tuple(traces)) if traces or _traces.get() else _NOTHING


@contextlib.contextmanager
def _with_traces(traces: tuple[OpenSpan, ...]) -> Iterator[None]:
    token = _traces.set(traces)
    try:
        yield
    finally:
        _traces.reset(token)


@contextlib.contextmanager
def _in_each_trace(name: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(one.child(name, attributes)) for one in _traces.get()]
        stack.enter_context(traced(children))
        yield
