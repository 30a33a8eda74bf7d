"""Beam search as it is shown: the tree, greedy, beam and exact by enumeration, no new questions, and underflow."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
import torch

from engine.data.passages import passage
from engine.functional.language import join, tokenize
from engine.lab import Frame
from engine.labs.attention import _searching
from engine.labs.attention._searching import JANE, VOCABULARY, Held, asked, jane
from engine.labs.attention.beam_search import LAB, Searched
from engine.labs.sequence_models import _texts
from engine.labs.sequence_models._texts import prepared, rebuilt
from engine.results.decoding import SMALLEST, underflow
from engine.training.characters import LanguageModel, read


@pytest.fixture(scope="module")
def trained() -> Frame:
    return LAB.last_frame(Searched())


def finds(frame: Frame) -> dict[str, str]:
    table = frame.tables["Greedy, beam and exact"]
    return dict(zip(table["Search"], table["Finds"], strict=True))


def on_the_table(**changed: object) -> Frame:
    return LAB.last_frame(Searched(source="jane", **changed))


def best_by_enumeration(longest: int, alpha: float, least: float) -> str:
    """The best sentence of the table, of all those with a log-probability above ``least``, depth first."""
    best, text, stack = -math.inf, "", [((), 0.0)]
    while stack:
        prefix, total = stack.pop()
        for v, chance in enumerate(jane(prefix).tolist()):
            tokens, now = (*prefix, v), total + chance
            if now < least:
                continue
            if v == VOCABULARY.eos and now / len(tokens) ** alpha > best:
                best, text = now / len(tokens) ** alpha, " ".join(VOCABULARY.decode(prefix))
            elif v != VOCABULARY.eos and len(tokens) < longest:
                stack.append((tokens, now))
    assert best >= least / longest**alpha  # nothing below can be better
    return text


def test_every_row_of_the_table_is_a_distribution() -> None:
    for ending in [(), *JANE]:
        words = tuple(w for w in ending if w != _searching.START)
        said = jane(VOCABULARY.encode(words)).exp()
        assert float(said.sum()) == pytest.approx(1) and said[VOCABULARY.unk] == 0 and (said[:-1] > 0).all()


@pytest.mark.parametrize(("alpha", "least"), [(0.0, -4.0), (0.7, -5.5), (1.0, -6.0)])
def test_exact_is_that_of_enumeration(alpha: float, least: float) -> None:
    frame = on_the_table(alpha=alpha)
    assert finds(frame)["Exact"] == best_by_enumeration(14, alpha, least)


def test_jane() -> None:
    by_width = {width: finds(on_the_table(width=width)) for width in (1, 2, 3, 10)}
    going = "jane is going to be visiting africa in september"
    assert by_width[1]["Beam, B = 1"] == by_width[1]["Greedy"] == going
    assert by_width[2]["Beam, B = 2"] != by_width[2]["Exact"]
    assert by_width[3]["Beam, B = 3"] == by_width[3]["Exact"] == "jane visits africa in september"
    assert by_width[10]["Beam, B = 10"] == by_width[10]["Exact"]
    assert finds(on_the_table(alpha=0.0))["Exact"] == "jane visits africa"
    assert finds(on_the_table(alpha=1.0))["Exact"] == "jane is visiting africa in september"
    frame = on_the_table(alpha=0.0, width=3)
    assert float(frame.metrics["Exact"].replace("−", "-")) == pytest.approx(math.log(0.55 * 0.42 * 0.9 * 0.5), abs=1e-3)


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_the_tree_keeps_b_and_shows_what_it_pruned(width: int) -> None:
    figure = on_the_table(width=width).figures["Tree"]
    traces = {trace["name"]: trace for trace in figure.data}
    hover = [*traces["words"]["hovertext"], *traces["pruned words"]["hovertext"]]
    depth = np.round(np.concatenate([traces["words"]["y"], traces["pruned words"]["y"]])).astype(int)
    kept = np.array([not text.endswith("pruned") for text in hover])
    assert (kept[depth == 1].sum(), (~kept)[depth == 1].sum()) == (width, 3 if width <= 3 else 2)
    ended = np.array([text.endswith("complete") for text in hover])
    left = width
    for d in range(1, depth.max() + 1):
        assert kept[depth == d].sum() == left
        left -= ended[depth == d].sum()
    edges = {name: len(traces[name]["x"]) // 3 for name in ("kept", "pruned", "answer")}
    assert edges["kept"] + edges["answer"] == kept.sum() and edges["pruned"] == (~kept).sum()
    assert len(traces["log P"]["text"]) == len(hover)
    bold = [text for text in traces["words"]["text"] if text.startswith("<b>")]
    assert len(bold) == edges["answer"] == len(finds(on_the_table(width=width))[f"Beam, B = {width}"].split()) + 1
    first = traces["log P"]["text"][0 if width == 1 else int(np.argsort(traces["words"]["x"][:width])[0])]
    assert first.startswith("−")


def test_the_curve_of_equal_scores_goes_through_the_answer() -> None:
    for alpha in (0.0, 0.7, 1.0):
        frame = on_the_table(alpha=alpha)
        curve, beam, greedy, exact = frame.figures["Length normalisation"].data
        score = float(frame.metrics["Beam, B = 3"].replace("−", "-"))
        np.testing.assert_allclose(curve["y"], score * np.asarray(curve["x"], float) ** alpha, atol=4e-3)
        for trace in (beam, greedy):
            above = np.asarray(trace["y"], float) - score * np.asarray(trace["x"], float) ** alpha
            assert (above < 4e-3).all()
        assert len(beam["x"]) == 3 and len(exact["x"]) == 1


def test_the_network_is_asked_once_for_every_beginning(trained: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_texts, "fit_language", None)
    calls: list[int] = []
    step = LanguageModel.step

    def counted(self: LanguageModel, tokens: torch.Tensor, state: object) -> object:
        calls.append(len(tokens))
        return step(self, tokens, state)

    monkeypatch.setattr(LanguageModel, "step", counted)
    monkeypatch.setattr(_searching, "read", None)
    for alpha in (0.0, 0.35, 1.0, 1.5):
        seen = LAB.seen(Searched(alpha=alpha), trained)
        assert not calls and seen.figures["Perplexity"] is trained.figures["Perplexity"]
    before = len(trained.state.memory)
    LAB.seen(Searched(width=10), trained)
    assert sum(calls) == len(trained.state.memory) - before > 0
    calls.clear()
    for width in (10, 1, 3):
        LAB.seen(Searched(width=width, alpha=0.3), trained)
    assert not calls


def test_scores_are_the_networks_own(trained: Frame) -> None:
    params = Searched()
    corpus = prepared(params.source, params.level, params.words)
    model = rebuilt(trained.state.weights, params)
    table = trained.tables["Greedy, beam and exact"]
    for text, length, total in zip(table["Finds"], table["T"], table["log P"], strict=True):
        indices = corpus.vocabulary.encode(tokenize(text, "words"))
        assert len(indices) == length - 1
        logits = read(model, indices)[0].double()
        logits[:, corpus.vocabulary.unk] = -torch.inf
        logs = torch.log_softmax(logits, -1)[torch.arange(length), [*indices, corpus.vocabulary.eos]]
        assert float(logs.sum()) == pytest.approx(float(total.replace("−", "-")), abs=2e-3)


def test_greedy_is_beaten_on_the_network_and_the_best_is_proved(trained: Frame) -> None:
    found, metrics = finds(trained), {k: float(v.replace("−", "-")) for k, v in trained.metrics.items()}
    assert set(found) == {"Beam, B = 3", "Greedy", "Exact"} and found["Greedy"] != found["Exact"]
    assert metrics["Greedy"] < metrics["Exact"] and metrics["Beam, B = 3"] <= metrics["Exact"]
    wide = LAB.seen(Searched(width=1), trained)
    assert finds(wide)["Beam, B = 1"] == found["Greedy"]


def test_exact_on_the_network_is_that_of_a_best_first_search(trained: Frame) -> None:
    params = Searched(alpha=0.0, begin="the pair of")
    frame = LAB.seen(params, trained)
    corpus = prepared(params.source, params.level, params.words)
    vocabulary = corpus.vocabulary
    begin = tuple(vocabulary.encode(["the", "pair", "of"]))
    source = asked(Held(trained.state.weights), rebuilt(trained.state.weights, params), vocabulary, begin)
    heap: list[tuple[float, tuple[int, ...], torch.Tensor, object]] = [(0.0, (), source.first[0], source.state)]
    for _ in range(5000):  # the likeliest first, so the first that ends is the best
        total, tokens, row, state = heapq.heappop(heap)
        if tokens and tokens[-1] == vocabulary.eos:
            break
        if row is None:
            rows, state = source.once(torch.tensor(tokens[-1:]), state)
            row = rows[0]
        for v in row.topk(40).indices.tolist():
            heapq.heappush(heap, (total - float(row[v]), (*tokens, v), None, state))  # type: ignore[arg-type]
    assert tokens[-1] == vocabulary.eos
    assert finds(frame)["Exact"] == join(vocabulary.decode((*begin, *tokens[:-1])), "words")


def test_the_first_frame_is_untrained_and_searches_already() -> None:
    frames = LAB.frames(Searched(steps=5))
    first = next(frames)
    frames.close()
    size = len(prepared("sentences", "words", 1000).vocabulary)
    totals = [float(x.replace("−", "-")) for x in first.figures["Tree"].data[3]["text"]]
    assert totals[0] == pytest.approx(-math.log(size - 1), abs=0.01) and "Exact" not in first.metrics


@pytest.mark.parametrize("begin", ["", "the quark", "<b>x", "😀", "it " * 30])
def test_any_beginning_goes_on(trained: Frame, begin: str) -> None:
    frame = LAB.seen(Searched(begin=begin, longest=4), trained)
    assert "<b><b>" not in str(frame.figures["Tree"].layout) and finds(frame)["Greedy"]
    assert ("quark" in begin) == ("'quark'" in frame.note)


def test_a_product_underflows_where_numpys_does() -> None:
    chances = np.log([0.3, 0.05, 0.6, 0.2]).tolist()
    result = underflow(chances)
    product, count = np.float32(1), 0
    while product > 0:
        product = product * np.float32(math.exp(chances[count % 4]))
        count += 1
    assert result.zero == count
    np.testing.assert_allclose(
        result.logs[-1], np.resize(chances, int(result.tokens[-1])).sum() / math.log(10), rtol=1e-5
    )
    alive = np.isfinite(result.product)
    assert alive[result.tokens < count].all() and not alive[result.tokens >= count].any()
    far = result.logs > SMALLEST + 7  # above the subnormal numbers, which have fewer digits
    np.testing.assert_allclose(result.product[far], result.logs[far], atol=1e-3)
    assert result.logs[-1] < 1.3 * SMALLEST and underflow([]).zero == 0 and underflow([0.0]).zero == 0


def test_the_mistake_is_computed() -> None:
    both = LAB.mistakes["underflow"](Searched())
    chances = np.float32([0.55, 0.42, 0.9, 0.45, 0.9, 0.98])
    product = np.cumprod(np.resize(chances, 2000), dtype=np.float32)
    zero = int((product == 0).argmax()) + 1
    assert "overflow" in both.wrong and str(zero) in both.wrong and f"0 from word {zero} on" in both.right
    assert "1.4e-45" in both.right


@pytest.mark.parametrize("own", ["x", "🙂", "שלום עולם\nשלום שוב", "你好。世界。", "<b>\x07</b>"])
@pytest.mark.parametrize("level", ["characters", "words"])
def test_own_text_of_any_kind(own: str, level: str) -> None:
    for changed in ({}, {"begin": own[:1], "longest": 1, "width": 10}):
        frame = LAB.last_frame(Searched(source=passage(own.encode()), level=level, steps=10, **changed))
        assert frame.progress == 1 and set(frame.metrics) >= {"Greedy", "Beginnings read"}
        assert "<b>\x07" not in str(frame.figures["Tree"].data)
