"""`Plan`: many requests that differ in the values of some axes, priced before they are sent.

`Session.plan` makes one. It is frozen data (see `plan_data`): ``to_json`` stores it, ``shard`` cuts it, ``run`` sends
what the log does not hold and returns a `Grid`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Self

from venice_widgets.files.bounded import read_bounded
from venice_widgets.files.user_path import user_path

from .grid import Grid, grid_from_log
from .host import host_or_default
from .overview import overview
from .plan_data import PlanData
from .read import read_plan
from .runner import look_for_run, run_plan
from .sheet_recipe import find_sheet, plan_parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from venice_widgets.display import Bundle

    from .host import Host
    from .outlook import Outlook


@dataclass(frozen=True, repr=False)
class Plan(PlanData):
    """Requests that differ in the values of some axes and in nothing else. Made by `Session.plan`."""

    _seen: list[Outlook] = field(default_factory=list, init=False, compare=False)
    """What the user was shown last of its price, if anything: no more is spent without showing it again."""
    _asked: dict[str, Any] = field(default_factory=dict, init=False, compare=False)
    """What the last `outlook` was asked for."""

    __hash__ = PlanData.__hash__

    @classmethod
    def from_json(cls, text: str, host: Host | None = None) -> Self:
        """A plan that `to_json` wrote.

        Raises:
            InvalidRequest: it is not a plan, or a newer version wrote it.
        """
        return cls(**read_plan(text), host=host)

    @classmethod
    def from_sheet(cls, path: str | Path, host: Host | None = None) -> Self:
        """The plan of a sheet that `Grid.sheet` wrote: what the log holds of it is shown at no cost, the rest is sent.

        Args:
            path: the sheet, a PNG, JPEG or WebP.
            host: the session; None for the one in use.

        Raises:
            UnreadableFile: it cannot be read, or is not a sheet.
            InvalidRequest: its plan was changed, or a newer version wrote it.
        """
        file = user_path(path)
        host = host_or_default(host)
        return cls(**plan_parts(find_sheet(read_bounded(file)), str(file), host.settings.base_url), host=host)

    def outlook(
        self, session: Host | None = None, *, again: bool | None = False, resend_unknown: bool = False
    ) -> Outlook:
        """Hold every cell to its model's limits, price it and look it up in the log. Sends nothing that costs.

        Args:
            session: see `run`.
            again: see `run`.
            resend_unknown: see `run`.

        Raises:
            InvalidRequest: nothing of it can be made.
        """
        host = host_or_default(session, self.host)
        self._asked.update(session=session, again=again, resend_unknown=resend_unknown)
        self._seen[:] = [look_for_run(self, host, again=again, resend_unknown=resend_unknown)]
        return self._seen[0]

    @property
    def shown(self) -> Outlook:
        """The last `outlook`, made now where there is none."""
        return self._seen[0] if self._seen else self.outlook()

    @property
    def last_shown(self) -> Outlook | None:
        """The last `outlook`; None where there is none."""
        return self._seen[0] if self._seen else None

    @property
    def price_usd(self) -> Decimal | None:
        """What sending it costs by the catalogue; None where that is unknown."""
        return self.shown.estimate.price_usd

    def run(
        self,
        *,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        again: bool | None = False,
        resend_unknown: bool = False,
        session: Host | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Grid:
        """Make every image that the log does not hold yet, and wait.

        Args:
            max_cost_usd: refuse to send if it could cost more US dollars. It also confirms up to there.
            yes: do not ask before spending more than ``VENICE_CONFIRM_ABOVE``.
            again: make the images that the log holds anew too; None shows them even where the setting ``reuse`` says
                "never".
            resend_unknown: send again what may have been charged and gave no image. It may be paid for twice.
            session: the session to run in; None for the one that made the plan.
            context: where it comes from, for the log.

        Raises:
            InvalidRequest: a cell cannot be made by its model, and `skip_invalid` is off. Nothing was sent.
            SpendingRefused: a limit or budget does not cover the whole plan, or it was declined. Nothing was sent.
            GenerationIncomplete: images are missing; what arrived is stored, and ``exception.generation`` is the grid.
            Interrupted: stopped by hand; what was sent is stored as it arrives.
        """
        return run_plan(
            self,
            host_or_default(session, self.host),
            max_cost_usd=max_cost_usd,
            yes=yes,
            again=again,
            resend_unknown=resend_unknown,
            context=context or {},
            shown=self.last_shown,
        )

    def grid(self, session: Host | None = None) -> Grid:
        """The images of this plan that the log holds, at no cost."""
        host = host_or_default(session, self.host)
        return grid_from_log(look_for_run(self, host, again=None), host)

    def bundle(self) -> Bundle:
        """What it is and what it would cost, as a notebook shows it."""
        return overview(self, self.outlook(**self._asked))

    def __deepcopy__(self, _: Any) -> Self:
        return self  # it is frozen, and its session is one of a kind

    def __reduce__(self) -> NoReturn:
        raise TypeError("a plan belongs to its session: send plan.to_json(), and use Plan.from_json there")

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata
