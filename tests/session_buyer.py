"""One of several programs that share a store and its budget: buys images until a single one is refused.

Called as ``session_buyer.py IMAGES`` in the folder of the store; asks for IMAGES images at once, and for one at a
time once so many are refused. Prints how many it got, and what the last refusal said.
"""

import sys

from venice_widgets.errors import SpendingRefused
from venice_widgets.session import Session

images, bought, refusal = int(sys.argv[1]), 0, ""
session = Session()
session.catalogue()
print("ready", flush=True)
sys.stdin.readline()
while images:
    try:
        bought += len(session.generate("A red fox", images=images).images)
    except SpendingRefused as exc:
        images, refusal = (1, "") if images > 1 else (0, str(exc))
print(bought, " ".join(refusal.split()), flush=True)
session.close()
