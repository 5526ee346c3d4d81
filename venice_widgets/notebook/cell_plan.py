"""A ``%%venice`` cell whose options or prompt hold several values: a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.session import Session

    from .prompt_template import PromptTemplate


def run_plan(
    shell: Any,  # noqa: ARG001
    session: Session,  # noqa: ARG001
    template: PromptTemplate,
    fields: Mapping[str, Any],
    options: Mapping[str, Any],  # noqa: ARG001
    context: Mapping[str, Any],  # noqa: ARG001
) -> Any:
    """Run one cell with several values.

    Args:
        shell: the IPython shell.
        session: what sends.
        template: the prompt; `PromptTemplate.axes` are its variables with several values.
        fields: as they were given; those with several values are an `Axis`, several seeds too.
        options: the cell's own options.
        context: where it comes from, for the log.

    Raises:
        InvalidRequest: a cell has one value for each option.
    """
    names = [
        *(axis.name for axis in template.axes),
        *(name for name, value in fields.items() if hasattr(value, "values")),
    ]
    raise InvalidRequest(
        f"{' and '.join(names)}: several values are given, and a cell takes one.", "Nothing was sent.", field=None
    )
