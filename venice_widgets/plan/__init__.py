"""Plans: many requests that differ in the values of some axes, priced before they are sent and shown as a grid.

`Session.plan` makes a `Plan`; ``plan.run()`` sends what the log does not hold and returns a `Grid`.
"""

from .define import define, filtered
from .grid import Grid
from .grid_cells import GridCell
from .plan import Plan
from .plan_data import PlanCell
from .stored_plans import resume_drawn

__all__ = ["Grid", "GridCell", "Plan", "PlanCell", "define", "filtered", "resume_drawn"]
