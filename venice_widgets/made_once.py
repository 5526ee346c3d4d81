"""A value that an object makes at its first use, once, however many threads come first at the same time.

`functools.cached_property` has no lock since Python 3.12: each of those threads would have a rate limiter, a log or a
set of connections of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class made_once(Generic[Value]):  # noqa: N801  it is used as `functools.cached_property` is
    """`functools.cached_property` under its object's lock.

    The object has one lock for all of its values, a `threading.RLock` named ``_making``: one value may need another.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> made_once[Value]: ...
    @overload
    def __get__(self, owner: Any, kind: type) -> Value: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        with owner._making:  # noqa: SLF001  the contract of this module
            if self._name not in owner.__dict__:
                owner.__dict__[self._name] = self._make(owner)
            return owner.__dict__[self._name]
