"""Clients for a running service over HTTP, blocking and async, and nothing else.

`async_client` is the source; `sync_client` is generated from it by `generate`. `requests` builds
bodies, `responses` reads what comes back, `retries` decides what is sent again, `connection` is
where addresses, `certificates`, `credentials` and proxies become arguments of httpx, and `masking`
keeps secrets out of messages. Commands live in `pba.cli`, and the same forecasts without a service
in `pba.serving`.
"""

from pba.client.async_client import AsyncPBAClient
from pba.client.requests import Samples, request, transfer_body
from pba.client.sync_client import PBAClient

__all__ = ["AsyncPBAClient", "PBAClient", "Samples", "request", "transfer_body"]
