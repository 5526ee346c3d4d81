"""What tests that interrupt by tracing share."""

import ctypes

_set_handled_exception = ctypes.pythonapi.PyErr_SetHandledException
_set_handled_exception.restype, _set_handled_exception.argtypes = None, [ctypes.py_object]


def forget_exception() -> None:
    """Let no exception be the one that is being handled; to be called where none is.

    Python 3.11 leaves it so for good where a trace function raises just as an exception is being caught: it becomes
    the context of every later one.
    """
    _set_handled_exception(ctypes.py_object())
