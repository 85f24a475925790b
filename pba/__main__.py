"""The command `pba`, or `python -m pba`. Without the extra of commands it says what to install."""

import sys

from pba.extras import missing_library, version_lines

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    if sys.argv[1:] == ["--version"]:  # without the libraries of the commands too
        sys.stdout.write("".join(f"{line}\n" for line in version_lines()))
        return
    try:
        from pba.cli import main as run
    except ModuleNotFoundError as error:
        raise SystemExit(f"pba: {missing_library(error)}") from None
    run()


if __name__ == "__main__":
    main()
