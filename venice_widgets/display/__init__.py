"""What the user sees: text, numbers and preview bytes in, MIME bundles out.

Nothing here knows the package's own types, and everything that comes in as text is escaped. Each function returns a
`Bundle`: HTML for notebooks, plain text for the terminal, and for images a JPEG or PNG for where there is no HTML.
"""

from .html import Bundle
from .image_grid import Card, full_size, image_cards
from .messages import code, join, line, notice, progress
from .tables import Cell, facts, price_grid, table

__all__ = [
    "Bundle",
    "Card",
    "Cell",
    "code",
    "facts",
    "full_size",
    "image_cards",
    "join",
    "line",
    "notice",
    "price_grid",
    "progress",
    "table",
]
