"""Make the bundled style pictures: `python -m recipes.styles` rewrites three files of assets/pictures.

The same seed gives the same pixels. They are drawn large and shrunk, so that their edges are smooth.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial import cKDTree

from recipes.samples import ASSETS, SEED

SIDE, OVERSAMPLING = 320, 3
LARGE = SIDE * OVERSAMPLING
GLASS = ((176, 30, 50), (222, 110, 28), (240, 186, 48), (36, 128, 92), (24, 84, 160), (92, 44, 130), (210, 226, 232))
SEA = ((16, 44, 92), (30, 84, 146), (74, 138, 184), (150, 196, 212), (236, 232, 214))
NIGHT = ((18, 30, 78), (28, 58, 122), (48, 98, 162), (104, 156, 190), (186, 204, 176), (236, 196, 72), (246, 226, 140))


def shrunk(image: Image.Image) -> Image.Image:
    """Brought to its size."""
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def stained_glass(random: np.random.Generator, panes: int = 150) -> Image.Image:
    """Panes of coloured glass, each lighter in its middle, in dark leads."""
    middles = random.uniform(0, LARGE, (panes, 2))
    for _ in range(3):  # each moves to the mean of its pane, which makes panes of like size (Lloyd 1982)
        grid = random.uniform(0, LARGE, (40 * panes, 2))
        nearest = cKDTree(middles).query(grid)[1]
        middles = np.array([grid[nearest == k].mean(0) if (nearest == k).any() else middles[k] for k in range(panes)])
    y, x = np.mgrid[:LARGE, :LARGE]
    far, near = cKDTree(middles).query(np.stack([y, x], -1), 2)
    colors = np.array(GLASS, float)[random.integers(0, len(GLASS), panes)] + random.normal(0, 12, (panes, 3))
    light = 1.25 - 0.55 * far[..., :1] / far[..., :1].max() + random.normal(0, 0.03, (LARGE, LARGE, 1))
    glass = colors[near[..., 0]] * light
    lead = (far[..., 1] - far[..., 0] < 4.5 * OVERSAMPLING)[..., None]
    return shrunk(Image.fromarray(np.where(lead, (20, 20, 26), glass).clip(0, 255).astype(np.uint8)))


def waves(random: np.random.Generator, radius: int = 44, rings: int = 5) -> Image.Image:
    """Overlapping arcs in rows, the old Japanese pattern of the blue sea."""
    image = Image.new("RGB", (LARGE, LARGE), SEA[0])
    pen, r = ImageDraw.Draw(image), radius * OVERSAMPLING
    for row in range(-1, 2 * LARGE // r + 4):
        for column in range(-1, LARGE // (2 * r) + 2):
            x, y = 2 * r * column + r * (row % 2), row * r // 2
            for k in range(rings):
                part = r * (1 - k / rings)
                shade = np.array(SEA[k % 4]) + random.normal(0, 7)
                color = tuple(int(value) for value in shade.clip(0, 255))
                box = (x - part, y - part, x + part, y + part)
                pen.ellipse(box, fill=color, outline=SEA[4], width=2 * OVERSAMPLING)
    return shrunk(image)


def brush_strokes(random: np.random.Generator, strokes: int = 9000) -> Image.Image:
    """Short thick strokes along whirls, from dark blue to yellow: lighter where the whirls' middles are near."""
    image = Image.new("RGB", (LARGE, LARGE), NIGHT[1])
    pen = ImageDraw.Draw(image)
    middles, turns = random.uniform(0.1, 0.9, (5, 2)) * LARGE, random.choice([-1.0, 1.0], 5)
    palette = np.array(NIGHT, float)
    for _ in range(strokes):
        at = random.uniform(-20, LARGE + 20, 2)
        tone = np.exp(-((np.linalg.norm(at - middles, axis=1).min() / (0.13 * LARGE)) ** 1.3))
        shade = palette[int(np.clip(tone * 7 + random.normal(0, 0.8), 0, 6))] + random.normal(0, 9, 3)
        path = [at]
        for _ in range(6):
            away = path[-1] - middles
            far = np.linalg.norm(away, axis=1, keepdims=True)
            around = np.stack([-away[:, 1], away[:, 0]], 1) / far * turns[:, None]
            drift = np.array([0.08, 0.02 * np.sin(path[-1][0] / 90)])
            flow = (around * np.exp(-far / (0.2 * LARGE))).sum(0) + drift
            path.append(path[-1] + flow / np.linalg.norm(flow) * 4 * OVERSAMPLING)
        width = int(random.integers(3, 6)) * OVERSAMPLING
        pen.line([tuple(p) for p in path], tuple(int(c) for c in shade.clip(0, 255)), width, joint="curve")
        for end in (path[0], path[-1]):
            half = width / 2 - 0.5
            pen.ellipse((*(end - half), *(end + half)), fill=tuple(int(c) for c in shade.clip(0, 255)))
    return shrunk(image.filter(ImageFilter.UnsharpMask(4, 80, 2)))


DRAWN = {"brush-strokes": brush_strokes, "stained-glass": stained_glass, "waves": waves}


def main() -> None:
    """Write every style picture."""
    for name, draw in DRAWN.items():
        draw(np.random.default_rng(SEED)).save(ASSETS / "pictures" / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
