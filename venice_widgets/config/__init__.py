"""Settings: one frozen `Settings`, by one documented precedence.

For every setting the first of these that says anything wins:

1. the argument given in Python (``Session(max_cost_usd="0.50")``),
2. the environment (``VENICE_MAX_COST=0.50``),
3. IPython's configuration (``c.Venice.model = "z-image-turbo"`` in ``ipython_config.py``),
4. ``config.toml`` in the store's folder (``max_cost_usd = "0.50"``),
5. ``[tool.venice]`` in the nearest ``pyproject.toml`` at or above the notebook (``model = "z-image-turbo"``),
6. the default.

Credentials, the base URL and the store are read from the first two alone. Where requests go and which account pays is
decided when a session begins; limits are read again before every request.

`Settings.sources` remembers which of them it was, for ``%venice config``. A `Secret` never prints itself. Keys are
looked for in more places than these, by `credentials.find_credential`, which starts from what is here.
"""

from .secret import Secret, as_secret
from .settings import BASE_URL, CONFIGURED, DEMO_BASE_URL, LIMITS, STORE_FOLDER, Settings
from .sources import IPYTHON, read_settings, states_key, with_limits_of_now
from .values import check_base_url

__all__ = [
    "BASE_URL",
    "CONFIGURED",
    "DEMO_BASE_URL",
    "IPYTHON",
    "LIMITS",
    "STORE_FOLDER",
    "Secret",
    "Settings",
    "as_secret",
    "check_base_url",
    "read_settings",
    "states_key",
    "with_limits_of_now",
]
