"""`python -m deployments.node_certificate`: certificates for Ray's processes on each node.

Ray's processes on several nodes encrypt what they send each other with ``RAY_USE_TLS=1``. Each node
needs a certificate for its own address, so it makes one as it starts, from an authority that is for
this alone: whoever has a certificate of it passes for a node.
"""

import shutil
from pathlib import Path
from typing import Annotated

import ray
import typer

from .local_authority import LocalAuthority

__all__ = ["main"]

_NAME = "node"
_AUTHORITY_DAYS = 3650
_DAYS = 365


def main(
    ca: Annotated[
        Path, typer.Option(help="Folder of the authority, ca.pem and ca.key; made if it is empty.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder that gets node.pem, node.key and ca.pem; without it there are none."
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Another name or address of this node, such as its Service's."),
    ] = None,
) -> None:
    """Make a certificate for the address that Ray gives this node."""
    authority = LocalAuthority.open(ca, _AUTHORITY_DAYS)
    if to is None:
        typer.echo(f"The authority is in {ca}. Give every node ca.pem and ca.key of it.")
        return
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    hosts = dict.fromkeys(["127.0.0.1", "localhost", address, *(host or [])])
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority.issue(_NAME, list(hosts), _DAYS, to)
    shutil.copy(authority.ca, to)  # without its key, which the node needs no more
    typer.echo(f"{to}/{_NAME}.pem is for {', '.join(hosts)}.")


if __name__ == "__main__":
    typer.run(main)
