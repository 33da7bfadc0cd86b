"""Colours that pictures of results and the pages share."""

# Okabe and Ito's colours that hold on white and on dark grounds, told apart with colour-vision deficiency too.
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
SYMBOLS = ("circle", "square", "diamond", "triangle-up")
RELATIONS = "viridis"  # of temporal relations


def mark(number: int) -> dict[str, str]:
    """Colour and symbol of the number-th of many curves: the symbol changes when the colours are used up."""
    return {
        "color": SERIES[number % len(SERIES)],
        "symbol": SYMBOLS[number // len(SERIES) % len(SYMBOLS)],
    }
