"""The commands of `python -m analysis`, one file each: a dataclass of options with a `run`."""
