"""What is imported before the first overlay, and what only after it."""

import subprocess
import sys

FIRST_PAGE = "import analysis.actionness, app.choices, app.loading, app.explorer, sys"
LATER = (
    "accelerate",
    "captum",
    "matplotlib.figure",
    "pandas",
    "scipy.special",
    "scipy.stats",
    "torch._dynamo",
)


def run(code: str) -> None:
    """In an interpreter of its own."""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_first_overlay_waits_for_no_package_that_it_does_without():
    run(f"{FIRST_PAGE}\nfound = set({LATER}) & set(sys.modules)\nassert not found, found")


def test_what_other_pages_need_is_imported_once_a_page_has_been_shown():
    run(
        "import gc, sys, threading\n"
        "from app import ahead\n"
        "ahead.PATIENCE = 0\n"
        "thread = threading.Thread(target=ahead.import_ahead)\n"
        "thread.start()\n"
        "thread.join(0.1)\n"
        "assert thread.is_alive() and not set(ahead.OTHERS) & set(sys.modules)\n"
        "ahead.shown.set()\n"
        "thread.join()\n"
        "assert gc.isenabled() and gc.get_freeze_count()\n"
        "assert {ahead.FIRST, *ahead.OTHERS, 'torch._dynamo'} <= set(sys.modules)\n"
    )
