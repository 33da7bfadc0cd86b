"""Temporal relations of the graph reasoner over a data set: Fig 4."""
