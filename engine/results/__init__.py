"""What a run computed, with its axes and units: data only, drawn later by ``engine.figures``, one room for each of its."""

import numpy as np

Array = np.ndarray
