"""Spans of steps: in each trace that a step belongs to, and nothing where nobody traces."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pba.serving.group_commit import GroupCommit
from pba.serving.pools import ThreadPool
from pba.serving.tracing import OpenSpan, open_spans, span, trace_headers, traced
from pba.store import Receipt, WriteBatch


@dataclass
class Recorded:
    """A trace that notes the path of each span, and which were open when it began."""

    path: str
    paths: list[str]

    @property
    def headers(self) -> Mapping[str, str]:
        return {"traceparent": self.path}

    @contextlib.contextmanager
    def child(self, name: str, attributes: Mapping[str, str | int]) -> Iterator[OpenSpan]:
        values = "".join(f" {key}={value}" for key, value in attributes.items())
        self.paths.append(f"{self.path}/{name}{values}")
        yield Recorded(f"{self.path}/{name}", self.paths)


def test_spans_lie_in_each_other():
    paths: list[str] = []
    with traced([Recorded("", paths)]):
        with span("model", windows=3), span("run"):
            assert trace_headers() == {"traceparent": "/model/run"}
        with span("assemble"):
            pass
    assert paths == ["/model windows=3", "/model/run", "/assemble"]


def test_without_a_trace_a_span_is_nothing():
    with span("model", windows=3):
        assert open_spans() == ()
        assert trace_headers() is None
    assert span("a") is span("b"), "no object is made for it"


async def test_a_pool_runs_functions_in_the_trace_of_their_caller():
    pool, paths = ThreadPool("test", 1), []

    def work() -> None:
        with span("query"):
            pass

    with traced([Recorded("", paths)]), span("store.read"):
        await pool(work)
    await pool(work)
    pool.close()
    assert paths == ["/store.read", "/store.read/query"]


async def test_a_transaction_is_a_step_of_each_request_that_shares_it():
    paths: list[str] = []

    def write(batch: WriteBatch) -> list[Receipt]:
        with span("statement"):
            return []

    commit = GroupCommit(write, 10)

    async def request(name: str | None) -> None:
        with traced([Recorded(name, paths)] if name else []):
            await commit(WriteBatch())

    await asyncio.gather(*map(request, (None, "a", "b")))
    await request("c")
    await request(None)
    assert sorted(paths) == [
        *("a/store.write", "a/store.write/store.commit requests=3"),
        "a/store.write/store.commit/statement",
        *("b/store.write", "b/store.write/store.commit requests=3"),
        "b/store.write/store.commit/statement",
        *("c/store.write", "c/store.write/store.commit requests=1"),
        "c/store.write/store.commit/statement",
    ]
