"""Make the before/after pictures of docs: `python -m recipes.transfers` rewrites docs/style/*.jpg.

Left the content, in its corner the style, right what the bundled network makes of them.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from engine.data.samples import picture_sample
from engine.labs.style_transfer.style_transfer import LAB, Transfer

DOCS = Path(__file__).resolve().parent.parent / "docs" / "style"
CONTENTS, STYLES = ("photo-china", "photo-flower"), ("brush-strokes", "stained-glass", "waves")
SIDE, STEPS, BETA, CORNER = 320, 150, 300.0, 3


def main() -> None:
    """One picture for each content and style."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for content in CONTENTS:
        for style in STYLES:
            params = Transfer(content=content, style=style, side=SIDE, steps=STEPS, beta=BETA, optimizer="adam")
            result = LAB.last_frame(params).state.result
            height, width = result.shape[:2]
            before = Image.fromarray(picture_sample(content).pixels).resize((width, height))
            corner = Image.fromarray(picture_sample(style).pixels).resize((height // CORNER, height // CORNER))
            before.paste(corner, (0, height - corner.height))
            pair = np.concatenate([np.asarray(before), result], 1)
            Image.fromarray(pair).save(DOCS / f"{content}-{style}.jpg", quality=88)
            print(f"{content} in {style}", flush=True)


if __name__ == "__main__":
    main()
