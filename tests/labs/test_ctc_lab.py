import itertools
import math
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.functional import ctc
from engine.lab import Event
from engine.labs.speech.ctc import LAB, MOST_FRAMES, MOST_TYPED, Ctc, hear, listing, spaced, spelled
from engine.params import parse
from engine.snapshot import snapshot

NOTES = "ttt_h_eee<SPC>___<SPC>qqq___"


def frames(**changes):
    return list(LAB.frames(Ctc(**changes)))


def heatmap(frame, title):
    return frame.figures[title].data[0]


def by_pattern(path: str) -> str:
    return "".join(symbol for symbol, _ in itertools.groupby(path) if symbol != "_")


def test_the_notes_line_collapses():
    """As written, with a space on either side of the blanks, it has two; with one space it spells the course's words."""
    assert spelled(spaced(NOTES)) == "the  q"
    assert spelled("ttt_h_eee___ ___qqq__") == "the q"
    last = frames(**LAB.presets["The notes' line"])[-1]
    assert last.metrics["Typed path spells"] == "“the␣q”" and "adds its probability" in last.says
    assert "Two spaces" in frames(path=NOTES)[0].note


@pytest.mark.parametrize(
    "path", ["", "_", "____", "a", "aab", "a_ab", "__hh_ee_l_l_oo", "oo_o_", " _ ", "𝄞𝄞_𝄞", "<>&_"]
)
def test_any_typed_path_collapses(path):
    assert spelled(path) == by_pattern(path)
    shown = heatmap(frames(path=path)[0], "Typed path")
    kept = [text for text in shown.text[2] if text]
    assert len(kept) == len(by_pattern(path)) and len(shown.text[0]) == len(path)


def test_the_loss_is_pytorchs():
    for changes in ({}, {"word": "zoo"}, {"word": "hello", "frames": 12, "certainty": 6.0, "updates": 5}):
        params = Ctc(**changes)
        found = hear(params)
        theirs = F.ctc_loss(
            found.log_probs, torch.tensor(found.target), [params.frames], [len(found.word)], reduction="sum"
        )
        shown = LAB.last_frame(params).metrics["Loss J = −ln P"]
        assert float(shown) == pytest.approx(float(theirs), abs=5e-4)


def test_posterior_and_gradient_are_those_of_autograd():
    frame = frames(word="zoo")[0]
    z = hear(Ctc(word="zoo")).log_probs.clone().requires_grad_()
    loss = F.ctc_loss(F.log_softmax(z, -1), torch.tensor([1, 2, 2]), [8], [3], reduction="sum")
    (slope,) = torch.autograd.grad(loss, z)
    np.testing.assert_allclose(heatmap(frame, "Gradient y − γ").z, slope.T, atol=1e-6)
    posterior = (F.softmax(z, -1) - slope).detach().T
    np.testing.assert_allclose(heatmap(frame, "Posterior γ").z, posterior, atol=1e-6)


def test_alpha_grows_frame_by_frame_and_beta_shrinks():
    walk = frames()
    assert len(walk) == 8 and LAB.opens(Ctc()) == 3 and LAB.opens(Ctc(frames=2)) == 1
    for t, frame in enumerate(walk, start=1):
        alpha, beta = (np.isfinite(heatmap(frame, title).z).all(0) for title in ("Forward α", "Backward β"))
        assert alpha.tolist() == [x <= t for x in range(1, 9)]
        assert beta.tolist() == [x >= t for x in range(1, 9)]
        assert all(f"is {walk[0].metrics['P(“the” | x)']}, as at every frame" in frame.says for frame in walk)


def test_the_arithmetic_of_a_state_adds_up():
    for frame in [*frames(), *frames(word="zoo", certainty=1.0), *frames(word="a")]:
        left, right = frame.says.split(" is (")[1].split(" = ")
        ways, y = left.split(") · ")
        total = sum(map(float, ways.split(" + "))) * float(y)
        assert total == pytest.approx(float(right.split(";")[0]), rel=0.12)  # of numbers with two digits


def test_a_typed_path_that_counts_is_framed_in_the_trellis():
    params = Ctc(path="_tth__ee")
    found = hear(params)
    chance = math.prod(
        float(y[found.symbols.index(s)].exp()) for y, s in zip(found.log_probs, params.path, strict=True)
    )
    frame = LAB.last_frame(params)
    assert f"probability, {chance:.3g}," in frame.says
    red = [shape for shape in frame.figures["Forward α"].layout.shapes if shape["line"]["color"] == "#d55e00"]
    assert [(shape["x0"] + 0.5, shape["y0"] - 0.5) for shape in red] == [
        (1, 0), (2, 1), (3, 1), (4, 3), (5, 4), (6, 4), (7, 5), (8, 5),
    ]  # fmt: skip
    for path, why in {"_tt__ee_": "doesn't count", "the": "3 frames, not T = 8", "tqh_eeee": "doesn't count"}.items():
        other = LAB.last_frame(Ctc(path=path))
        assert why in other.says
        assert not [s for s in other.figures["Forward α"].layout.shapes if s["line"]["color"] == "#d55e00"]


def test_all_alignments_are_listed_with_their_probabilities():
    found = hear(Ctc(word="zoo", frames=7))
    [(title, table)] = listing(found).items()
    count = ctc.count_alignments(found.target, 7)
    assert title == f"All {count} alignments" and len(set(table["Path"])) == count
    assert all(by_pattern(path) == "zoo" and len(path) == 7 for path in table["Path"])
    total = math.exp(-float(ctc.ctc_loss(found.log_probs, found.target)))
    chances = [float(p) for p in table["P(path | x)"]]
    assert sum(chances) == pytest.approx(total, rel=1e-2) and chances == sorted(chances, reverse=True)
    assert listing(hear(Ctc(frames=20))) == {} == listing(hear(Ctc(frames=2)))


def test_the_likeliest_alignments_lead_the_list():
    frame = LAB.last_frame(Ctc())
    [table] = frame.tables.values()
    shown = ["".join(row) for row in heatmap(frame, "Likeliest alignments").text]
    assert shown == table["Path"][:10]


def test_counts_by_formula_equal_those_listed():
    all_paths, spell, listed, now = LAB.last_frame(Ctc(word="zoo")).figures["Alignments by frames"].data
    few = np.isfinite(listed.y)
    assert few.sum() >= 4
    np.testing.assert_array_equal(np.array(spell.y)[few], np.array(listed.y)[few])
    assert list(now.y) == [math.comb(10, 6)] and all_paths.y[7] == 3**8


def test_without_an_idea_the_probability_is_a_ratio_of_counts():
    metrics = LAB.last_frame(Ctc(certainty=0.0)).metrics
    assert metrics["P(“the” | x)"] == f"{462 / 4**8:.3g}" and metrics["Paths that spell “the”"] == "462"


def test_updates_lower_the_loss_and_leave_spikes_between_blanks():
    def blanks(params):
        found = hear(params)
        return float(found.log_probs[:, 0].exp().mean()), float(ctc.ctc_loss(found.log_probs, found.target))

    before, after = blanks(Ctc(frames=20)), blanks(Ctc(frames=20, updates=100))
    assert after[0] > before[0] and after[1] < 0.1 * before[1]


def test_too_few_frames_are_said():
    for frame in frames(**LAB.presets["Too few frames"]):
        assert frame.metrics["Loss J = −ln P"] == "∞" and "No path of 3 frames spells “zoo”" in frame.says
        assert "Likeliest alignments" not in frame.figures


@pytest.mark.parametrize("word", ["", "_", "a b", "<b>&", "𝄞é", "\x00\x01", "aaaaaaaa", "a_a"])
def test_any_word_is_drawn(word):
    walk = frames(word=word, frames=9)
    assert len(walk) == 9
    assert "<" not in "".join(walk[-1].figures["Forward α"].layout.yaxis.ticktext)
    if "_" in word:
        assert "left out" in walk[0].note


def test_long_paths_are_cut():
    assert f"first {MOST_TYPED} symbols" in frames(path="ab" * 30)[0].note


def test_a_click_goes_to_its_frame():
    assert LAB.respond(Ctc(), Event("click", "Forward α", x=5.2, y=1.0)) == {"step": 5}
    assert LAB.respond(Ctc(), Event("click", "Outputs y", x=99.0)) == {"step": 8}
    assert (
        LAB.respond(Ctc(), Event("click", "Typed path", x=2.0))
        == LAB.respond(Ctc(), Event("click", "Forward α", x=math.nan))
        == {}
    )


@pytest.mark.parametrize("changes", [*LAB.presets.values(), {"word": "aabbccdd", "frames": 24, "path": "a_" * 16}])
def test_a_walk_is_small_and_quick(changes):
    params = parse(Ctc, changes)
    start = time.perf_counter()
    shots = [snapshot(frame) for frame in LAB.frames(params)]
    assert time.perf_counter() - start < 3
    assert sum(len(text) for shot in shots for text in shot.figures.values()) < 1_000_000
    assert len(shots) == params.frames <= MOST_FRAMES
