"""The paper's tables at the scale of the demo set: cells with seeds, claims, what came of them."""
