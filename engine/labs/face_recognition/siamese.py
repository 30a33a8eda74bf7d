"""A Siamese network: two pictures through one network, their encodings, the distance and the verdict."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from engine.data.faces import draw_faces, identities
from engine.data.media import Picture
from engine.data.samples import picture_sample
from engine.figures import verifying as figures
from engine.figures.pictures import tiles
from engine.functional.faces import squared_distance, verify
from engine.lab import Frame, Frames, Lab
from engine.models.crowd import levels
from engine.models.embedding import Embedding, trained
from engine.models.siamese import compare, cropped
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.seeding import generator

FURTHEST = 4.0
NOTE = (
    "The bundled network knows drawn faces only: on photographs its encodings and distances mean nothing. "
    "The lab on real photographs has a network for those."
)


class Siamese(Params):
    """What a person can move."""

    source: Literal["drawn", "pictures"] = choice(
        "drawn",
        label="Faces",
        help="Drawn ones, or your pictures.",
        names={"drawn": "Drawn", "pictures": "Your pictures"},
    )
    person_a: int = integer(1, low=1, high=500, hint=(1, 50, 1), label="Person A", help="Who the first picture shows.")
    look_a: int = integer(
        1, low=1, high=500, hint=(1, 50, 1), label="Picture of A", help="Another pose, expression and light."
    )
    person_b: int = integer(
        1, low=1, high=500, hint=(1, 50, 1), label="Person B", help="The same number as A is the same person."
    )
    look_b: int = integer(2, low=1, high=500, hint=(1, 50, 1), label="Picture of B", help="Another pose and light.")
    threshold: float = number(
        0.33, low=0.0, high=FURTHEST, hint=(0.0, 2.0, 0.01), label="Threshold τ", help="Same person, if d is at most τ."
    )
    variation: float = number(
        1.0, low=0.0, high=1.5, label="Variation", help="How much pose, expression and light differ.", more=True
    )
    picture_a: PictureSource = picture("shapes", label="Your picture A", help="Its middle square is read.", more=True)
    picture_b: PictureSource = picture(
        "photo-china", label="Your picture B", help="Its middle square is read.", more=True
    )


def drawn(params: Siamese, person: Tensor, look: int) -> Tensor:
    """A picture (1, 3, 64, 64) of a person (21,), the pose and light decided by the number of the picture."""
    return draw_faces(person[None], generator(params.seed, 1000 + look), variation=params.variation).pictures


def who(params: Siamese, number: int) -> Tensor:
    """A person (21,) by number."""
    return identities(1, generator(params.seed, 2000 + number))[0]


def given(source: str | Picture) -> Tensor:
    """A person's own picture (1, 3, 64, 64)."""
    return cropped((source if isinstance(source, Picture) else picture_sample(source)).pixels)


def run(params: Siamese) -> Frames:
    """One frame: both pictures, both encodings, the distance and the verdict."""
    own = params.source == "pictures"
    if own:
        a, b = given(params.picture_a), given(params.picture_b)
    else:
        a, b = (
            drawn(params, who(params, person), look)
            for person, look in ((params.person_a, params.look_a), (params.person_b, params.look_b))
        )
    network = trained()
    where = next(network.parameters()).device
    with torch.no_grad():
        one, other, distance = (each[0].cpu() for each in compare(network, a.to(where), b.to(where)))
    d = float(distance)
    verdict = "same person" if bool(verify(one, other, params.threshold)) else "two people"
    pictures = [levels(x)[0].numpy() for x in (a, b)]
    yield Frame(
        figures={
            "Two pictures": tiles(pictures, ["A", "B"], 2, height=260),
            "Distance": figures.gauge(d, params.threshold, FURTHEST),
            "Encodings": figures.encodings(one.numpy(), other.numpy()),
            "What the distance is made of": figures.shares(one.numpy(), other.numpy()),
        },
        says=f"The encodings are d = {d:.3f} apart; with τ = {params.threshold:g} the verdict is: {verdict}.",
        metrics={"Distance d": f"{d:.3f}", "Verdict": verdict} | ({} if own else {"Truth": truth(params)}),
        note=NOTE if own else "",
    )


def truth(params: Siamese) -> str:
    """What two drawn pictures show."""
    return "same person" if params.person_a == params.person_b else "two people"


LAB = Lab(
    slug="siamese",
    summary="Send two pictures through one network and see how far apart their encodings come out.",
    params=Siamese,
    run=run,
    look_for=(
        "Change the picture of B and both the pose and the light are new, yet most numbers of its encoding stay near those of "
        "A; change the person and they move apart. Both arms are the same network with the same weights, so giving it twice "
        "the same picture must give d = 0, and swapping A and B must change nothing. Can you find a picture of the same person "
        "that is judged to be somebody else, and which numbers of the encoding gave it away?"
    ),
    maths=(
        r"$$d(x^{(1)}, x^{(2)}) = \lVert f(x^{(1)}) - f(x^{(2)}) \rVert_2^2 = \sum_k \big(f_k(x^{(1)}) - f_k(x^{(2)})\big)^2,"
        r"\qquad \lVert f(x) \rVert = 1 \Rightarrow 0 \le d \le 4$$"
        "\n\n"
        r"Both arms share the weights $\theta$, so a loss $L(d)$ sends back the sum of what both arms would get alone:"
        "\n\n"
        r"$$\frac{\partial L}{\partial \theta} = \frac{\partial L}{\partial f(x^{(1)})}"
        r"\frac{\partial f(x^{(1)})}{\partial \theta} + \frac{\partial L}{\partial f(x^{(2)})}"
        r"\frac{\partial f(x^{(2)})}{\partial \theta}$$"
    ),
    code=(compare, squared_distance, verify, Embedding),
    presets={
        "Two people": {"person_b": 2},
        "The same picture twice": {"look_b": 1},
        "Hardly moved": {"variation": 0.2},
        "Your pictures": {"source": "pictures"},
    },
    rows=(("Two pictures", "Encodings"), ("Distance", "What the distance is made of")),
)
