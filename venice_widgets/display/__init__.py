"""What a person sees: text, numbers and preview bytes in, MIME bundles out.

Nothing here knows the package's own types, and everything that comes in as text is escaped. Each function returns a
`Bundle`: HTML for notebooks, plain text for the terminal, and for pictures a JPEG or PNG for where there is no HTML.
"""

from .html import Bundle
from .image_grid import Card, full_size, pictures
from .messages import code, join, line, notice, progress
from .tables import Cell, facts, price_grid, table

__all__ = [
    "Bundle",
    "Card",
    "Cell",
    "code",
    "facts",
    "full_size",
    "join",
    "line",
    "notice",
    "pictures",
    "price_grid",
    "progress",
    "table",
]
