"""A process that stops in the middle of a transaction, as a lost machine does, holds nothing."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pba.store import Store
from tests.store.builders import NOW_S, sample_report, write
from tests.support.waiting import wait_until

PROJECT = Path(__file__).parents[2]
STOPS = """
import os, signal, sys
from sqlalchemy import text
from pba.store.engine import connect, transaction

with transaction(connect(sys.argv[1]), writes=True) as connection:
    assert connection.execute(text(sys.argv[2])).rowcount == 1
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@contextlib.contextmanager
def stopped_process(url: str, statement: str) -> Iterator[None]:
    """Run a process that stops itself after ``statement``, before its transaction ends."""
    process = subprocess.Popen([sys.executable, "-c", STOPS, url, statement], cwd=PROJECT)
    try:
        state = psutil.Process(process.pid).status
        wait_until(lambda: state() == psutil.STATUS_STOPPED, "that the process stops")
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE links SET heard_us = heard_us + 1",
        "UPDATE due_links SET claimed_us = claimed_us + 1",
    ],
    ids=["writer", "monitor"],
)
def test_a_stopped_process_holds_up_writers_for_less_than_they_wait(server: str, statement: str):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    store = Store(server, lambda: NOW_S).ready()
    write(store, sample_report("a", 0, 60))
    with stopped_process(server, statement):
        assert write(store, sample_report("a", 60, 1))[0].accepted == 1
    store.close()
