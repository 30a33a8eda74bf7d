"""Make the app's icon, ``assets/icon.png``: a small network, seen as a globe. Run with ``python -m recipes.icon``."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

SIDE, SCALE = 64, 8
BLUE, WHITE = (43, 123, 186), (255, 255, 255)


def icon() -> Image.Image:
    """A blue disc with five white units joined to one, drawn large and shrunk so that edges are smooth."""
    n = SIDE * SCALE
    image = Image.new("RGBA", (n, n), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 0, n - 1, n - 1), fill=BLUE)
    middle = n / 2
    around = [
        (middle + 0.31 * n * math.cos(a), middle + 0.31 * n * math.sin(a))
        for a in (math.tau * (k / 5 - 0.25) for k in range(5))
    ]
    for x, y in around:
        draw.line((middle, middle, x, y), fill=WHITE, width=n // 24)
    for x, y in [*around, (middle, middle)]:
        r = n / 11
        draw.ellipse((x - r, y - r, x + r, y + r), fill=WHITE)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    icon().save(Path(__file__).resolve().parent.parent / "assets" / "icon.png", optimize=True)
