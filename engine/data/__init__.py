"""The data a lab works on: uploads, and the samples that come with the app."""
