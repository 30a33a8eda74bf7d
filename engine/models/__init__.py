"""Networks by family: one a file."""
