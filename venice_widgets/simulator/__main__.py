"""``python -m venice_widgets.simulator``: the simulator on 127.0.0.1, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from venice_widgets.simulator import KINDS, Fault, Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 0, or 1 where the port is taken."""
    options = _parser().parse_args(arguments)
    simulator = Simulator(
        api_key=options.api_key,
        seconds_per_image=options.seconds_per_image,
        requests_per_minute=options.requests_per_minute or None,
        faults=options.fault,
        balance_usd=options.balance,
    )
    try:
        with simulator.serve(options.port) as url:
            _say(f"An offline Venice at {url} (Ctrl-C ends it). To use it:\n")
            _say(f"export VENICE_API_BASE_URL={url} VENICE_API_KEY={options.api_key or 'any-key'}\n")
            threading.Event().wait()
    except KeyboardInterrupt:
        _say("\n")
    except OSError as error:
        sys.stderr.write(f"Port {options.port} cannot be used: {error.strerror}. Choose another with --port.\n")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m venice_widgets.simulator",
        description="An offline Venice image API: real wire format, drawn images, no money.",
        epilog="Faults: " + "; ".join(f"{kind}: {looks}" for kind, looks in KINDS.items()) + ".",
    )
    parser.add_argument("--port", type=int, default=8765, help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--api-key", help="the only right key (default: any)")
    parser.add_argument("--seconds-per-image", type=float, default=0.0, metavar="S", help="how long an image takes")
    parser.add_argument("--requests-per-minute", type=int, default=20, metavar="N", help="0 is without limit")
    parser.add_argument("--balance", type=float, default=25, metavar="USD", help="what there is to spend (default: 25)")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[:TIMES]",
        help="what goes wrong, and how often (default: once; * is always); may be repeated",
    )
    return parser


def _fault(text: str) -> Fault:
    """A fault that needs more than its kind gets an example of it."""
    kind, _, times = text.partition(":")
    examples = {"slow": {"seconds": 2.0}, "served-by": {"served_model": "chroma"}, "image": {"image": b"not an image"}}
    try:
        return Fault(kind, times=None if times == "*" else int(times or 1), **examples.get(kind, {}))  # type: ignore[arg-type]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
