"""A call to v1 stays open for as long as the flags need v1."""

import asyncio
from collections.abc import Iterator

import pytest
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from deployments.replicas import v1_keepalive
from deployments.replicas.v1_keepalive import keep_v1_awake
from pba.rollout import Flags

NEEDED, UNNEEDED = Flags(shadow=True), Flags()


class Script:
    """Flags that change at every look; the task is cancelled after the last one."""

    def __init__(self, *flags: Flags) -> None:
        self._flags: Iterator[Flags] = iter(flags)

    @property
    def current(self) -> Flags:
        try:
            return next(self._flags)
        except StopIteration:
            raise asyncio.CancelledError from None


class V1:
    """Records calls, and fails as the given errors say."""

    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self._errors = list(errors)

    async def stay(self) -> None:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v1_keepalive, "_RETRY_S", 0.0)


async def test_v1_is_called_only_while_the_flags_need_it():
    v1 = V1()
    script = Script(NEEDED, NEEDED, UNNEEDED, UNNEEDED, UNNEEDED, NEEDED)
    with pytest.raises(asyncio.CancelledError):
        await keep_v1_awake(script, v1.stay)
    assert v1.calls == 3


@pytest.mark.parametrize("error", [RayError("gone"), RayServeException("gone")])
async def test_a_call_that_fails_is_logged_and_repeated(
    error: Exception, caplog: pytest.LogCaptureFixture
):
    v1 = V1(error)
    with pytest.raises(asyncio.CancelledError):
        await keep_v1_awake(Script(NEEDED, NEEDED), v1.stay)
    assert v1.calls == 2
    assert [record.message for record in caplog.records] == ["v1_not_awake"]
