"""``python -m engine``: the labs without a browser."""

import sys

from engine.cli import main

sys.exit(main())
