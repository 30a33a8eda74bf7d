"""Sets with more than two features: scikit-learn's as they are, and pictures that no single pixel tells apart."""

import numpy as np
import pytest
import torch
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from engine.data import tabular
from engine.data.tabular import TABULAR
from engine.examples import TABULAR as OFFERED

LOADERS = {
    "breast-cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "digits": datasets.load_digits,
}


def test_every_set_is_offered():
    assert tuple(TABULAR) == OFFERED and set(TABULAR) == {*LOADERS, "suns"}


@pytest.mark.parametrize("name", LOADERS)
def test_a_set_is_scikit_learns(name):
    found, theirs = TABULAR[name](), LOADERS[name]()
    np.testing.assert_array_equal(found.x.numpy(), theirs.data.astype(np.float32))
    np.testing.assert_array_equal(found.y.numpy(), theirs.target)
    assert found.features == tuple(map(str, theirs.feature_names))
    assert found.classes == tuple(map(str, theirs.target_names))


@pytest.mark.parametrize("name", TABULAR)
def test_a_set_is_whole_and_the_same_each_time(name):
    found = TABULAR[name]()
    assert found.x.dtype == torch.float32 and found.y.dtype == torch.int64
    assert found.x.shape == (len(found.y), len(found.features)) and torch.isfinite(found.x).all()
    assert found.y.unique().tolist() == list(range(len(found.classes)))
    assert len(set(found.features)) == len(found.features)
    if found.picture is not None:
        assert np.prod(found.picture) == len(found.features)
    again = TABULAR[name].__wrapped__()
    assert torch.equal(again.x, found.x) and torch.equal(again.y, found.y)


def test_digits_are_pictures_of_8_by_8():
    found = tabular.digits()
    assert found.picture == (8, 8, 1)
    np.testing.assert_array_equal(found.x.view(-1, 8, 8).numpy(), datasets.load_digits().images)


@pytest.fixture(scope="module")
def suns():
    found = tabular.suns()
    return found.x.numpy(), found.y.numpy()


def test_suns_are_balanced_pictures(suns):
    x, y = suns
    assert x.shape == (600, 12 * 12 * 3) and tabular.suns().picture == (12, 12, 3)
    assert x.min() >= 0 and x.max() <= 1 and np.bincount(y).tolist() == [300, 300]
    assert tabular.suns().features[:4] == ("R0,0", "G0,0", "B0,0", "R0,1")


def test_a_linear_classifier_tells_suns_from_moons(suns):
    assert cross_val_score(LogisticRegression(max_iter=2000), *suns, cv=5).min() > 0.85


def test_no_single_pixel_tells_suns_from_moons(suns):
    """The best threshold on one number, even where it was chosen by the very examples it is counted on."""
    x, y = suns
    stump = DecisionTreeClassifier(max_depth=1)
    assert max(stump.fit(x[:, [j]], y).score(x[:, [j]], y) for j in range(x.shape[1])) < 0.8


def test_a_sun_is_warmer_than_its_ground(suns):
    """The red of the middle less that of the rim, minus the same of blue, by class."""
    pictures = suns[0].reshape(-1, 12, 12, 3)
    rim = np.ones((12, 12), bool)
    rim[1:-1, 1:-1] = False
    warmth = (pictures[:, 4:8, 4:8].mean((1, 2)) - pictures[:, rim].mean(1)) @ [1, 0, -1]
    assert warmth[suns[1] == 1].mean() > 0.3 > -0.3 > warmth[suns[1] == 0].mean()
