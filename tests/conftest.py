"""What holds for all tests, whatever calls them: nothing is fetched from outside, and sums are added in one order."""

from __future__ import annotations

import os

# Nobody listens there, so a pretrained network that isn't on this machine is refused at once, here and in subprocesses.
os.environ["DEEP_ATLAS_WEIGHTS"] = "http://127.0.0.1:9"
# Set before torch is imported. With more threads a sum's last digits depend on the machine.
os.environ["OMP_NUM_THREADS"] = "1"
