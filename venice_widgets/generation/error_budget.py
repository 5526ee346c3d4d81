"""When the rest of a generation is not sent: where sending it could only cost money or patience."""

from __future__ import annotations

MOST_UNKNOWN_IN_A_ROW = 2
"""After so many requests without an image that may have been charged, the user decides whether to go on."""

SEND_THE_REST = "The same seeds with --reuse (again=None) send only what the log does not hold."
"""How to go on with a generation whose rest was not sent, also where it was to be made anew."""


def certainly_free(error: BaseException) -> bool:
    """Whether an error proves that nothing was charged."""
    return getattr(error, "charged", None) == "no"


class ErrorBudget:
    """Whether the rest of a generation should not be sent, told how its runs end one by one.

    It should not where it would end in the same way, where a response could not be stored, and after two requests in a
    row that may have been charged and gave no image.
    """

    def __init__(self) -> None:
        self._unknown_in_a_row = 0
        self.reason = ""
        """Why the rest was not sent, in a sentence; empty where nothing stopped it, or its error says it."""

    def __call__(self, error: BaseException | None) -> bool:
        """Whether to stop, after a run that ended with this error, or with its image."""
        if error is None:
            self._unknown_in_a_row = 0
            return False
        if getattr(error, "ends_generation", False):
            return True
        self._unknown_in_a_row += 0 if certainly_free(error) else 1
        if self._unknown_in_a_row < MOST_UNKNOWN_IN_A_ROW:
            return False
        self.reason = (
            f"{MOST_UNKNOWN_IN_A_ROW} requests in a row gave no image and may have been charged, so the rest was not "
            f"sent. {SEND_THE_REST}"
        )
        return True
