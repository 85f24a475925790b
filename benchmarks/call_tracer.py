"""Records the calls of the project's functions, across tasks and threads, for `trace_request`."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("pba", "deployments", "train")


class CallTracer:
    """Records every call of a function of the project, with the file of its caller."""

    def __init__(self) -> None:
        self._calls: list[tuple[str | None, str]] = []
        self._files: dict[CodeType, str | None] = {}
        self._origins: WeakKeyDictionary[asyncio.Task[Any], str | None] = WeakKeyDictionary()
        self._tasks: list[asyncio.Task[Any]] = []
        self._thread = threading.local()
        self._recording = False

    @contextlib.contextmanager
    def installed(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Have tasks and threads of ``loop`` know the file that started them."""
        submit = ThreadPoolExecutor.submit

        def submit_with_origin(
            pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **options: Any
        ) -> Any:
            origin = self._nearest(sys._getframe(1))

            def run() -> Any:
                self._thread.origin = origin
                return work(*args, **options)

            return submit(pool, run)

        threading.setprofile(self._profile)
        loop.set_task_factory(self._create_task)
        ThreadPoolExecutor.submit = submit_with_origin  # type: ignore[method-assign]
        try:
            yield
        finally:
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
            loop.set_task_factory(None)
            threading.setprofile(None)

    async def record(self, request: Awaitable[bytes]) -> list[tuple[str | None, str]]:
        """Return the calls, caller's file and callee's, until ``request`` and its tasks end."""
        self._calls, self._tasks = [], []
        self._recording = True
        sys.setprofile(self._profile)
        try:
            await request
            while self._tasks:
                await self._tasks.pop()
        finally:
            sys.setprofile(None)
            self._recording = False
        return self._calls

    def _create_task(self, loop: Any, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(coroutine, loop=loop, **options)
        self._origins[task] = self._nearest(sys._getframe(1))
        self._tasks.append(task)
        return task

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not self._recording:
            return
        callee = self._file(frame.f_code)
        if callee is not None:
            self._calls.append((self._nearest(frame.f_back), callee))

    def _nearest(self, frame: FrameType | None) -> str | None:
        """Return the file of the nearest project frame, else of what started task or thread."""
        while frame is not None:
            name = self._file(frame.f_code)
            if name is not None:
                return name
            frame = frame.f_back
        with contextlib.suppress(RuntimeError):  # no loop runs in this thread
            task = asyncio.current_task()
            return None if task is None else self._origins.get(task)
        return getattr(self._thread, "origin", None)

    def _file(self, code: CodeType) -> str | None:
        if code not in self._files:
            self._files[code] = _project_file(code.co_filename)
        return self._files[code]


def _project_file(name: str) -> str | None:
    with contextlib.suppress(ValueError):
        path = Path(name).resolve().relative_to(PROJECT)
        if path.parts[0] in PACKAGES:
            return path.as_posix()
    return None
