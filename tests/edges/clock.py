"""A clock that jumps."""

import sys
import time
from datetime import datetime, timedelta
from types import SimpleNamespace


class Clock:
    """The time as the product sees it, which may jump; the tests, the service and other programs have the true one."""

    def __init__(self, monkeypatch):
        self.ahead = timedelta()
        clock = self

        class Jumping(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + clock.ahead

        def seconds():
            return time.time() + clock.ahead.total_seconds()

        names = {name: getattr(time, name) for name in dir(time) if not name.startswith("_")} | {"time": seconds}
        for name, module in list(sys.modules.items()):
            if name.startswith("venice_widgets.") and not name.startswith("venice_widgets.simulator"):
                for attribute, value in list(vars(module).items()):
                    if value is datetime:
                        monkeypatch.setattr(module, attribute, Jumping)
                    elif value is time:
                        monkeypatch.setattr(module, attribute, SimpleNamespace(**names))
                    elif value is time.time:
                        monkeypatch.setattr(module, attribute, seconds)
