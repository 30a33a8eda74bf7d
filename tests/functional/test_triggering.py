import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.triggering import firings, judged

PROBABILITIES = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), min_size=1, max_size=40)


def plain_firings(p, threshold, refractory):
    """Frame by frame, as a device would do it."""
    fired, since, before = [], None, 0.0
    for frame, now in enumerate(p):
        since = None if since is None else since + 1
        if now >= threshold > before and (since is None or since > refractory):
            fired.append(frame)
            since = 0
        before = now
    return fired


@given(PROBABILITIES, st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 8))
@settings(max_examples=100, deadline=None)
def test_it_fires_as_a_device_would(p, threshold, refractory):
    assert firings(np.array(p), threshold, refractory) == plain_firings(p, threshold, refractory)


def test_a_plateau_fires_once_and_a_second_rise_only_after_the_refractory_time():
    p = np.zeros(30)
    p[2:10] = p[14:16] = p[25:] = 1
    assert firings(p, 0.5, 0) == [2, 14, 25]
    assert firings(p, 0.5, 10) == [2, 14, 25]
    assert firings(p, 0.5, 12) == [2, 25]
    assert firings(np.full(5, np.nan), 0.5, 0) == []


def test_firings_detect_words_or_are_false_alarms():
    assert judged([10, 12, 50], [9, 30], 3, 5) == ((True, False), (False, True, True))
    assert judged([27, 28], [30, 31], 3, 5) == ((True, True), (False, False))
    assert judged([26], [30], 3, 5) == ((False,), (True,))
    assert judged([], [4], 3, 5) == ((False,), ())


@given(st.lists(st.integers(0, 100), max_size=10), st.lists(st.integers(0, 100), max_size=6))
@settings(max_examples=50, deadline=None)
def test_every_firing_is_a_detection_or_a_false_alarm(fired, ends):
    found = judged(sorted(fired), sorted(ends), 10, 20)
    assert sum(found.detected) + sum(found.false) == len(fired)
