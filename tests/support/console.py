"""A second program on the service's Ray, which runs sources that it reads from its input.

`python -m tests.support.console`: one JSON string a line is a source, whose last call of
`reply(value)` is the response. Connecting to Ray takes seconds, so one program serves many tests.
"""

import json
import logging
import os
import sys
import traceback
from typing import Any

import ray
from ray import serve


def main() -> None:
    responses = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no response
    # The address and the token are those of the environment.
    ray.init(address="auto", namespace="serve", logging_level=logging.ERROR, log_to_driver=False)
    for line in sys.stdin:
        responses.write(json.dumps(_run(json.loads(line))) + "\n")


def _run(source: str) -> dict[str, Any]:
    values: list[Any] = []
    names = {"json": json, "ray": ray, "serve": serve, "reply": values.append}
    try:
        exec(compile(source, "<test>", "exec"), names)
    except BaseException:
        return {"error": traceback.format_exc()}
    return {"value": values[-1] if values else None}


if __name__ == "__main__":
    main()
