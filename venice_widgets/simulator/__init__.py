"""An offline Venice: the wire format of the real image API, drawn images, no network and no money.

In process, for tests and for the demo::

    simulator = Simulator()
    client = httpx.Client(transport=simulator.transport(), base_url="https://api.venice.ai/api/v1")

On a loopback socket::

    with Simulator().serve() as url: ...

or ``python -m venice_widgets.simulator --port 8765``.

It is written from the facts of the API and imports nothing else of this package, so that it can contradict the client.
Its models, prices and limits are a sample, and its images are scenery with a DEMO stamp that have nothing to do with
what a model would draw.
"""

from .faults import KINDS, Fault
from .service import Simulator

__all__ = ["KINDS", "Fault", "Simulator"]
