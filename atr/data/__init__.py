"""Data sets on disk and the demo set as lists of clips."""
