"""The panel: explore by hand, and keep what was found.

`Panel` is made of parts that can be understood alone: `choices` (what a person chose), `look` (what that comes to),
`desk` and `sending` (the state and its actions, without widgets), `form`, `offer` and `shelves` (what is drawn), and
`saved` (the output that stays with the notebook). Callbacks of widgets come on any thread; they change the desk under
one lock and return. Everything is drawn in one lane, everything slow runs in others.
"""

from .panel import Panel

__all__ = ["Panel"]
