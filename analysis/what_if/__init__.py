"""Clips changed on purpose: other orders of frames, hidden regions, uniform maps."""
