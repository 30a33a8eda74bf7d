"""Deep Atlas's engine: labs, the mathematics under them, and the figures they return.

Importing it loads neither PyTorch nor any drawing library; a lab's module loads when the lab is opened.
"""
