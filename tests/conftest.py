"""What holds for all tests: nothing is fetched from outside."""

from __future__ import annotations

import os

# Nobody listens there, so a pretrained network that isn't on this machine is refused at once, here and in subprocesses.
os.environ["DEEP_ATLAS_WEIGHTS"] = "http://127.0.0.1:9"
