"""IPython's history of outputs, without copies of the images in it.

IPython holds what each cell returned a second time, as the text that was shown: a megabyte for a cell of four images.
Once a cell has ended, its entry refers to the result, which reads its images from the store. ``%notebook`` writes them
still.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _collections_abc import dict_items

EVENT = "post_run_cell"


class ShownAgain(dict[str, Any]):
    """The text of an output; the rest of it is made again where someone looks at all of it."""

    def __init__(self, text: str, result: Any) -> None:
        super().__init__({"text/plain": text})
        self._result = result

    def items(self) -> dict_items[str, Any]:
        """All of the output, as it is shown now."""
        data: dict[str, Any] = self._result._repr_mimebundle_()[0]
        return data.items()


@dataclass(frozen=True)
class Lighten:
    """Lets go of the images that the output of a shell's cell holds; no entry of other programs is touched."""

    shell: Any

    def __call__(self, done: Any) -> None:
        """Look at a cell that has ended."""
        made = getattr(done, "result", None)
        if type(made).__module__.partition(".")[0] != "venice_widgets":
            return
        outputs = getattr(self.shell.history_manager, "outputs", {})  # since IPython 9
        for output in outputs.get(done.execution_count, ()):
            if output.output_type == "execute_result" and any(mime.startswith("image/") for mime in output.bundle):
                output.bundle = ShownAgain(output.bundle.get("text/plain", ""), made)


def add_hook(shell: Any) -> None:
    """Look at each cell once it has ended."""
    shell.events.register(EVENT, Lighten(shell))  # a second time changes nothing


def remove_hook(shell: Any) -> None:
    """Stop that."""
    with suppress(ValueError):  # it was not there
        shell.events.unregister(EVENT, Lighten(shell))
