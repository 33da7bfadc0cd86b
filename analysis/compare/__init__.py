"""Two to four checkpoints on the same clips: by how much they differ, where, how surely."""
