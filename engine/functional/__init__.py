"""The mathematics: pure functions on tensors, batch first, named as in the literature."""
