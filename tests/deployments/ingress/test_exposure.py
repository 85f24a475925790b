"""The warning of a service that lets everybody in."""

import asyncio

import pytest

from deployments.ingress.exposure import warn_while_open
from pba.security import KeyRecord
from tests.support.keys import callers, key


@pytest.mark.parametrize(
    ("records", "opens", "warns"),
    [([], True, True), ([], False, False), ([key("admin")[0]], True, False)],
)
async def test_it_is_repeated_while_everybody_is_let_in(
    records: list[KeyRecord], opens: bool, warns: bool, caplog: pytest.LogCaptureFixture
):
    warning = asyncio.create_task(warn_while_open(await callers(records, opens), 0.01))
    await asyncio.sleep(0.2)
    warning.cancel()
    count = sum(record.message == "insecure" for record in caplog.records)
    assert (count >= 2) == warns
    assert warns or count == 0
