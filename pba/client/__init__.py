"""Clients for a running service, blocking and async."""

from pba.client.client import AsyncPBAClient, PBAClient, Samples, request

__all__ = ["AsyncPBAClient", "PBAClient", "Samples", "request"]
