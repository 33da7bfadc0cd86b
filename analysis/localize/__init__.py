"""Maps held against true masks and boxes."""
