"""Real faces found, aligned and encoded: scikit-image's portrait, altered, against other people's small faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics.pairwise import euclidean_distances

from engine.data.people import ALTERED, HEAD, portraits
from engine.models import dlib_faces

pytestmark = pytest.mark.skipif(not dlib_faces.installed(), reason=f"needs `{dlib_faces.INSTALL}`")
COPIES = len(ALTERED)


@pytest.fixture(scope="module")
def found():
    return [dlib_faces.faces(picture.pixels) for picture in portraits()[0]]


@pytest.fixture(scope="module")
def squares(found):
    encodings = dlib_faces.encode([faces[0].chip for faces in found[:-1]])
    return euclidean_distances(encodings) ** 2


def test_every_copy_and_every_other_face_is_found_once(found) -> None:
    assert [len(faces) for faces in found] == [1] * (len(found) - 1) + [3]
    assert all(face.sure > dlib_faces.SURE for faces in found for face in faces)
    assert all(face.chip.shape == (150, 150, 3) and face.points.shape == (5, 2) for faces in found for face in faces)


def test_the_box_lies_on_the_face(found) -> None:
    # The eyes and the mouth of the portrait, seen by eye.
    x0, y0, x1, y1 = found[0][0].box
    assert x0 < 120 < 170 < x1 and y0 < 105 < 150 < y1
    left, right = sorted(found[0][0].points[:4, 0].reshape(2, 2).mean(1))
    assert 30 < right - left < 60


def test_altered_copies_are_one_person_and_others_are_not(squares) -> None:
    assert squares[:COPIES, :COPIES].max() < dlib_faces.THRESHOLD < squares[:COPIES, COPIES:].min()


def test_all_faces_of_a_picture_are_found_the_largest_first(found) -> None:
    areas = [float(np.prod(face.box[2:] - face.box[:2])) for face in found[-1]]
    assert areas == sorted(areas, reverse=True)
    group, alone = (dlib_faces.encode([face.chip for face in faces]) for faces in (found[-1], found[0]))
    near = euclidean_distances(group, alone).ravel() ** 2 <= dlib_faces.THRESHOLD
    assert near.sum() == 1 and found[-1][int(near.argmax())].box[0] < 200


def test_a_small_grey_face_that_fills_its_picture_is_still_known(found) -> None:
    whole = portraits()[0][0].pixels
    tight = Image.fromarray(whole[70:190, 88:203]).convert("L").resize((64, 64)).convert("RGB")
    (face,) = dlib_faces.faces(np.asarray(tight))
    a, b = dlib_faces.encode([face.chip, found[0][0].chip])
    assert float(((a - b) ** 2).sum()) < dlib_faces.THRESHOLD and face.box.min() + 20 >= 0 and face.box.max() <= 84


def test_without_a_face_the_whole_picture_is_taken() -> None:
    (face,) = dlib_faces.faces(np.full((90, 120, 3), 128, np.uint8))
    assert np.isnan(face.sure) and face.box.tolist() == [0, 0, 120, 90] and face.chip.shape == (150, 150, 3)


def test_nothing_is_encoded_of_nothing() -> None:
    assert dlib_faces.encode([]).shape == (0, 128)
    assert HEAD[0].stop <= 512
