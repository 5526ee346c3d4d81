"""Run again, compare, judge: whether an image can still be made a year later.

`look` prices a replay and lists what has changed since, at no cost. `replay` sends the stored request as it was, as a
run of its own whose parent is the original, and judges the result. `drift` repeats a few runs of one model within a
budget, and reports its repeatability by date.
"""

from .drift import Drift, drift
from .original import Original
from .prepare import PreparedReplay, look
from .replay import Replay, outlook_bundle, replay
from .verdict import Circumstance, Verdict

__all__ = [
    "Circumstance",
    "Drift",
    "Original",
    "PreparedReplay",
    "Replay",
    "Verdict",
    "drift",
    "look",
    "outlook_bundle",
    "replay",
]
