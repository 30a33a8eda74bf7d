"""From results to figures: the only floor that imports the drawing library."""
