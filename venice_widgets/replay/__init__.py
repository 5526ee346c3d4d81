"""Run again, compare, verdict: what a researcher asks of a picture a year later.

`look` prices a replay and tells what has changed since, for nothing. `replay` sends the stored request as it was, as a
run of its own whose parent is the original, and judges what came. `drift` repeats a few runs of one model within a
budget, so that its repeatability can be read off by date.
"""

from .drift import Drift, drift
from .original import Past
from .prepare import RELATION, Outlook, look
from .replay import Replay, replay
from .show import outlook_bundle
from .verdict import Circumstance, Verdict

__all__ = [
    "RELATION",
    "Circumstance",
    "Drift",
    "Outlook",
    "Past",
    "Replay",
    "Verdict",
    "drift",
    "look",
    "outlook_bundle",
    "replay",
]
