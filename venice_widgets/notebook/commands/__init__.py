"""The ``%venice`` commands: what can be looked at and switched without making an image. One module a subject."""

from .registry import COMMANDS, overview, run_command

__all__ = ["COMMANDS", "overview", "run_command"]
