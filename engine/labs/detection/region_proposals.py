"""Region proposals, and what R-CNN, Fast and Faster R-CNN make of them: the same regions, ever more work shared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from engine.data.media import fit_within
from engine.data.pixels import opened
from engine.figures import scanned as figures
from engine.functional.proposals import after, grouped, in_mean_colors, neighbours, proposals, similarity
from engine.lab import Frame, Frames, Lab
from engine.models.regions import by_crops, by_pooling, from_maps, shared_maps, work
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.results.regions import PARTS, WAYS, Compared, classify, named, propose

LONGEST, FEW = 192, 8


class RegionProposals(Params):
    """What a person can move."""

    picture: PictureSource = picture("shapes", help="A sample, or your own, at most 192 pixels along a side.")
    scale: float = number(
        100, low=1, high=1000, hint=(10, 500, 10), label="Scale", help="Higher makes larger segments (Felzenszwalb)."
    )
    least: int = integer(
        60, low=40, high=2000, hint=(40, 400, 10), unit="px", label="Smallest segment", help="In pixels of area."
    )
    merges: int = integer(
        27,
        low=0,
        high=1000,
        hint=(0, 120, 1),
        label="Merges",
        help="How many steps of the grouping to show; beyond the last is the last.",
    )
    count: int = integer(40, low=1, high=150, hint=(5, 100, 5), label="Regions", help="How many go to the network.")
    way: Literal["R-CNN", "Fast", "Faster"] = choice(
        "R-CNN",
        label="Show",
        help="Whose regions and answers are drawn.",
        names={"R-CNN": "R-CNN", "Fast": "Fast", "Faster": "Faster"},
    )
    sigma: float = number(
        0.8,
        low=0,
        high=3,
        hint=(0.0, 2.0, 0.1),
        unit="px",
        label="Smoothing",
        help="Blurs before it segments.",
        more=True,
    )
    drawn: int = integer(
        40, low=1, high=150, hint=(1, 100, 1), label="Regions drawn", help="The first of them.", more=True
    )


def run(params: RegionProposals) -> Frames:
    """The proposals at once, with the counted work; then the three ways, each timed on the same picture."""
    pixels = fit_within(opened(params.picture), LONGEST).pixels
    start = propose(pixels, params.scale, params.sigma, params.least, params.count)
    yield draw(start, 0.2)
    yield draw(classify(start, params.count), 1.0)


def draw(result: Compared, progress: float) -> Frame:
    """A frame with everything but what depends on the view."""
    rows, n, grouping = result.work, len(result.grouped.proposed), result.grouped
    totals, spent, done = rows.sum(1), result.times.sum(1), progress == 1
    millions = ", ".join(f"{way} {total / 1e6:.4g}" for way, total in zip(WAYS, totals, strict=True))
    measured = ", ".join(f"{way} {ms:.0f}" for way, ms in zip(WAYS, spent, strict=True))
    took = f"Proposing included, they took in milliseconds: {measured}." if done else "The network is at work."
    return Frame(
        figures={
            "Work": figures.stacked(WAYS, PARTS, rows, "multiplications"),
            "Time": figures.stacked(WAYS, PARTS, result.times, "milliseconds"),
        },
        says=f"For {n} regions, in millions of multiplications: {millions}. {took}",
        note=(
            f"{len(grouping.merges) + 1} segments and {len(grouping.merges)} merges proposed {n} different boxes that are "
            "large enough; Faster proposes its own."
        ),
        metrics={
            "Regions": f"{n}",
            "R-CNN / Fast, work": f"{totals[0] / totals[1]:.1f} times",
            "R-CNN / Fast, time": f"{spent[0] / spent[1]:.1f} times" if done else "measuring",
            "Fast / Faster, time": f"{spent[1] / spent[2]:.1f} times" if done else "measuring",
        },
        progress=progress,
        tables={
            "Work in multiplications": {
                "method": list(WAYS),
                "backbone passes": [f"{n} of 64 x 64", "1 of the picture", "1 of the picture"],
                **{part: rows[:, i].tolist() for i, part in enumerate(PARTS)},
            }
        },
        state=result,
    )


def view(params: RegionProposals, frame: Frame) -> Frame:
    """The grouping after some merges; one way's regions, and those of them that the network calls a shape."""
    state: Compared = frame.state
    pixels, steps = state.grouped.pixels, state.grouped.merges[: params.merges]
    way = params.way if params.way in state.boxes else "R-CNN"
    boxes = state.boxes[way]
    found, names = named(boxes, state.probabilities[way]) if state.probabilities else (boxes[:0], ())
    drawn = {
        "Grouping": grouping(state, len(steps)),
        "Regions": figures.boxes(pixels, boxes[: params.drawn], height=figures.SMALL),
        "Answers": figures.boxes(pixels, found[:FEW], names[:FEW], height=figures.SMALL),
    }
    left = len(state.grouped.merges) + 1 - len(steps)
    step = f"merge {len(steps)}, of similarity {steps[-1].similarity:.2f}" if steps else "no merge"
    return replace(frame, figures=drawn, says=f"{frame.says} Regions in the picture after {step}: {left}.")


def grouping(state: Compared, count: int) -> Any:
    """The regions after some merges, the last one framed, its two parts dotted."""
    known = state.grouped
    regions = in_mean_colors(after(known.labels, known.merges[:count]), known.pixels)
    if not count:
        return figures.grouping(regions, known.boxes[:0])
    last = known.merges[count - 1]
    return figures.grouping(regions, known.boxes[[last.a, last.b]], known.boxes[len(known.merges) + count])


LAB = Lab(
    slug="region-proposals",
    summary="Propose regions by segmenting a picture, then compare what R-CNN, Fast and Faster R-CNN spend on them.",
    params=RegionProposals,
    run=run,
    look_for=(
        "Move the merges: neighbours that are alike join, and every region on the way proposes its box. R-CNN's work "
        "grows with each region; Fast makes the maps once and only pools the regions from them, until the proposing "
        "itself takes longest, which Faster leaves to the maps. The bundled network knows ten flat shapes and was trained on "
        "crops alone, so answers pooled from shared maps are worse. From how many regions on is Fast less work than R-CNN?"
    ),
    maths=(
        r"$$s(a, b) = \sum_k \min(c_a^k, c_b^k) + 1 - \frac{|a| + |b|}{|\text{picture}|}$$"
        "\n\n"
        r"The most similar neighbours merge first; $c$ are histograms of colours. With $R$ regions, $M$ multiplications for "
        r"a crop, $M'$ for the whole picture's maps, $m$ to pool a region and classify it, and $p$ to propose:"
        "\n\n"
        r"$$\text{R-CNN: } R\,M, \qquad \text{Fast: } M' + R\,m, \qquad \text{Faster: } M' + p + R\,m$$"
    ),
    code=(grouped, similarity, neighbours, after, proposals, by_crops, shared_maps, by_pooling, from_maps, work),
    presets={
        "Photograph": {"picture": "photo-china", "scale": 200},
        "Large segments": {"picture": "photo-flower", "scale": 400, "least": 300, "merges": 2},
        "Five regions": {"count": 5},
        "A hundred regions": {
            "picture": "photo-china",
            "scale": 20,
            "least": 40,
            "count": 100,
            "drawn": 100,
            "merges": 80,
        },
        "From the maps": {"way": "Faster", "count": 20},
    },
    trains=True,
    measures=True,
    rows=(("Grouping", "Regions", "Answers"), ("Work", "Time")),
    views=("merges", "way", "drawn"),
    view=view,
)
