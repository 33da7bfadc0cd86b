"""What pages import, in the server before they ask for it: a click is not to wait for it."""

import gc
import time
from importlib import import_module
from threading import Event

# The page Actionness imports it first, so it waits for all of it; two threads that import from different ends could meet
# in the middle.
FIRST = "analysis.actionness"
# With all that they import, in the order of their pages.
OTHERS = (
    "scipy.stats",
    "app.compare.exports",
    "app.compare.compute",
    "app.compare.tabs",
    "app.what_if.results",
    "analysis.relations.curves",
    "app.loading.evidence",
    "analysis.ablation.report",
    "analysis.training_curves",
)
PATIENCE = 1.0  # seconds in which the browser fetches and draws the first page

shown = Event()  # a page has been sent to its end


def import_ahead() -> None:
    """For a thread of its own."""
    gc.disable()  # modules leave next to no garbage, and to look for it takes a seventh of the time
    try:
        import_module(FIRST)
    finally:
        gc.freeze()  # nor need later rounds look through them
        gc.enable()
    shown.wait()
    time.sleep(PATIENCE)
    for name in OTHERS:
        import_module(name)
    from atr.describe import describe
    from atr.models import ModelConfig

    describe(ModelConfig("tsn_resnet18", 1, 1))  # the first count of a process imports torch's compiler
