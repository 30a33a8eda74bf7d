"""The errors that a person reads: one sentence that says what, what it must be, what it got."""


class AtlasError(ValueError):
    """One sentence a person can read: what, what it must be, what it got."""


class BadInput(AtlasError):
    """A value, a link or a file from outside that can't be used."""
