"""The start of the command: what goes wrong before its modules are there is one line, too."""

import os
import sys
from typing import NoReturn


def main() -> None:
    """Import the command line and run it."""
    try:
        from harness.cli.app import main as run
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except Exception as error:
        if os.environ.get("VTAX_DEBUG") == "1":
            raise
        text = " ".join(f"{type(error).__name__} {error}".split())
        _end(f"cannot start: {text[:500].rstrip()}; VTAX_DEBUG=1 shows the traceback", 2)
    run()


def _end(message: str, status: int) -> NoReturn:
    print(f"vtax: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
