"""What a notebook works with: settings, a catalogue, a log and connections, and what is sent through them."""

from .session import Session

__all__ = ["Session"]
