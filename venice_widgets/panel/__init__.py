"""The panel: explore by hand, and keep what was found. State in Python, view in the browser, one channel between them.

`state` holds what is chosen and `quote` what that comes to: pure, without widget or session. `protocol` is what browser
and Python say to each other. `controller` answers the messages, with `sending` and `gallery` for its two halves;
`widget` is the one widget, whose JavaScript in ``view/`` draws and reports, and knows no rule of prices or money.
"""

from .panel import Panel

__all__ = ["Panel"]
