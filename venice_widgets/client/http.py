"""httpx without the command line that it brings along where click and rich are installed.

That command line takes longer to import than httpx itself, and nobody types it in a notebook. httpx provides for its
absence, so it is made absent for as long as httpx is being imported. Import httpx from here.
"""

import sys

_COMMAND_LINE = "httpx._main"

if "httpx" not in sys.modules:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # Python's way to say: there is no such module
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
else:
    import httpx

__all__ = ["httpx"]
