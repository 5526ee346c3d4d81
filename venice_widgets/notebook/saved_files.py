"""What a cell says of the copies that ``--save`` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.display import line, notice

if TYPE_CHECKING:
    from venice_widgets.generation.copies import Written

_SHOWN_FILES = 4


def show_saved(written: Written) -> None:
    """Name the files, and what is not as it was asked."""
    from IPython.display import display

    if written.files:
        files = [str(file) for file in written.files]
        more = f" and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
        display(line(f"saved as {', '.join(files[:_SHOWN_FILES])}{more}"))
    if written.notices:
        display(notice("\n".join(written.notices), kind="note"))
