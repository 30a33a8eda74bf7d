"""Drawn faces: an identity stays itself, and its landmarks lie where its features are painted."""

from __future__ import annotations

import pytest
import torch

from engine.data import faces
from engine.data.faces import IDENTITY, LANDMARKS, MIRRORED, VARIATION, draw_faces, identities
from engine.seeding import generator

AT = {name: k for k, name in enumerate(LANDMARKS)}


def persons(m: int, **numbers: float) -> torch.Tensor:
    """Identities of all zeros but for these."""
    who = torch.zeros(m, len(IDENTITY))
    for name, value in numbers.items():
        who[:, IDENTITY.index(name.replace("_", " "))] = value
    return who


def test_a_seed_gives_its_faces_again_whatever_the_size_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    one = draw_faces(identities(40, generator(1)), generator(2))
    monkeypatch.setattr(faces, "BATCH", 7)
    again = draw_faces(identities(40, generator(1)), generator(2))
    assert torch.equal(one.landmarks, again.landmarks) and torch.equal(one.identity, again.identity)
    torch.testing.assert_close(one.pictures, again.pictures, rtol=0, atol=1e-5)
    assert not torch.equal(draw_faces(identities(40, generator(1)), generator(3)).pictures, one.pictures)


@pytest.mark.parametrize("side", [32, 64, 96])
def test_pictures_and_landmarks_have_their_range(side: int) -> None:
    drawn = draw_faces(identities(30, generator(0)), generator(0), side)
    assert drawn.pictures.shape == (30, 3, side, side) and drawn.landmarks.shape == (30, len(LANDMARKS), 2)
    assert drawn.variation.shape == (30, len(VARIATION)) and float(drawn.variation.abs().max()) <= 1
    assert float(drawn.pictures.min()) >= 0 and float(drawn.pictures.max()) <= 1
    assert float(drawn.landmarks.min()) > 0 and float(drawn.landmarks.max()) < side


def landmarks_lie_on_their_features() -> None:
    # Dark skin and light hair elsewhere make eye whites the only bright and pupils the only black places.
    who = persons(60, skin=0.6, eye_size=1.0, brow_strength=-1.0)
    drawn = draw_faces(who, generator(5), 192, noise=0.0)
    x, y = torch.meshgrid(torch.arange(192) + 0.5, torch.arange(192) + 0.5, indexing="xy")
    checked = 0
    for i in range(60):
        if float(drawn.variation[i, VARIATION.index("blink")]) > 0.4:
            continue
        checked += 1
        dark = drawn.pictures[i].amax(0) < 0.12
        for side in ("left", "right"):
            outer, inner = (drawn.landmarks[i, AT[f"{side} eye, {which} corner"]] for which in ("outer", "inner"))
            middle, half = (outer + inner) / 2, float((outer - inner).norm()) / 2
            near = torch.hypot(x - middle[0], y - middle[1]) < 1.3 * half
            pupil = dark & near
            assert int(pupil.sum()) > 4, (i, side)
            centre = torch.stack([x[pupil].mean(), y[pupil].mean()])
            assert float((centre - middle).norm()) < 0.75 * half, (i, side)
    assert checked > 30


def test_landmarks_lie_on_their_features() -> None:
    landmarks_lie_on_their_features()


def test_that_test_fails_when_landmarks_forget_the_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    class Facing(faces._Head):
        def project(self, places: torch.Tensor) -> torch.Tensor:
            self.turns = [(torch.ones_like(c), torch.zeros_like(s)) for c, s in self.turns]
            return super().project(places)

    monkeypatch.setattr(faces, "_Head", Facing)
    with pytest.raises(AssertionError):
        landmarks_lie_on_their_features()


def test_projecting_undoes_the_tracing_back_of_pixels() -> None:
    drawn = torch.rand(20, len(IDENTITY) + len(VARIATION), generator=generator(4)) * 2 - 1
    p = dict(zip((*IDENTITY, *VARIATION), drawn.T[..., None, None], strict=True))
    head = faces._Head(p, 48)
    axis = (torch.arange(48) + 0.5) / 48
    seen = (head.front > 0.3) & (head.z > 0.05)
    places = torch.stack([head.x, head.y], -1).flatten(1, 2)
    back = head.project(places).view(20, 48, 48, 2)
    expected = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).expand(20, 48, 48, 2)
    assert int(seen.sum()) > 5000
    torch.testing.assert_close(back[seen], expected[seen], rtol=0, atol=1e-4)


def test_a_smile_lifts_the_corners_and_an_open_mouth_lowers_the_lip() -> None:
    still = {name: torch.zeros(1, 1, 1) for name in (*IDENTITY, *VARIATION)}
    one = {"smile": 1.0, "open": 1.0, "brows": 1.0}
    at = {name: faces._places(faces._features(still | {name: torch.ones(1, 1, 1)}))[0] for name in one}
    rest = faces._places(faces._features(still))[0]
    for corner in ("left mouth corner", "right mouth corner"):
        assert float(at["smile"][AT[corner], 1]) < float(rest[AT[corner], 1]) - 0.05
    assert float(at["open"][AT["lower lip"], 1]) > float(rest[AT["lower lip"], 1]) + 0.05
    assert float(at["brows"][AT["left brow"], 1]) < float(rest[AT["left brow"], 1]) - 0.03
    mirrored = rest[list(MIRRORED)] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(mirrored, rest, rtol=0, atol=1e-6)


def test_pictures_of_one_person_are_nearer_than_those_of_others_when_nothing_varies() -> None:
    who = identities(12, generator(7))
    one, other = (draw_faces(who, generator(k), variation=0.0, noise=0.01) for k in (1, 2))
    middle = (slice(None), slice(None), slice(16, 48), slice(20, 44))  # grounds and clothes are left out
    apart = torch.cdist(one.pictures[middle].flatten(1), other.pictures[middle].flatten(1))
    assert apart.argmin(1).tolist() == list(range(12))
