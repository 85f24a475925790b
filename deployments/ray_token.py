"""Ray's token: whoever has it runs code as the user of the service, so each start has a new one.

Ray reads these variables when it is imported, so this module does not import it.
"""

import os
import secrets
from pathlib import Path

__all__ = ["create_token", "program_variables", "token_variables"]

_FILE = "ray-token"


def create_token(folder: Path) -> Path:
    """Write a new token of 256 bits into ``folder``, for this user alone; return its file."""
    path = folder / _FILE
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return path


def token_variables(path: Path) -> dict[str, str]:
    """Return the variables by which Ray, and all that call it, use the token in ``path``.

    ``RAY_AUTH_TOKEN`` would count before the file, so it is emptied.
    """
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path), "RAY_AUTH_TOKEN": ""}


def program_variables(address: str, path: Path) -> dict[str, str]:
    """Return the variables of a second program on the Ray at ``address``, which is on loopback."""
    return {
        "RAY_ADDRESS": address,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        **token_variables(path),
    }
