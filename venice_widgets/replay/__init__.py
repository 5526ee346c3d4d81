"""Run again, compare, verdict: what a researcher asks of a picture a year later.

`look` prices a replay and tells what has changed since, for nothing. `replay` sends the stored request as it was, as a
run of its own whose parent is the original, and judges what came. `drift` repeats a few runs of one model within a
budget, so that its repeatability can be read off by date.
"""

from .drift import Drift, drift
from .original import Original
from .prepare import RELATION, PreparedReplay, look
from .replay import Replay, outlook_bundle, replay
from .verdict import Circumstance, Verdict

__all__ = [
    "RELATION",
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
