"""Threads take turns: one at a time, first come first served, and who has moved on computes nothing."""

import threading
import time
from contextlib import suppress

from app.loading.turns import Turns


class MovedOn(BaseException):
    """As Streamlit ends the run of a session."""


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def start_in_order(turns: Turns, work, told: list[list[int]], moved_on: frozenset[int] = frozenset()):
    """A thread for each list of `told`, the next one when the one before stands in the queue."""

    def session(number: int) -> None:
        def waiting(before: int) -> None:
            told[number].append(before)
            if number in moved_on and len(told[number]) > 1:
                raise MovedOn

        with suppress(MovedOn), turns.turn(waiting):
            work(number)

    threads = []
    for number in range(len(told)):
        threads.append(threading.Thread(target=session, args=(number,)))
        threads[-1].start()
        wait_until(lambda: told[number])  # noqa: B023 (called at once)
    return threads


def test_one_at_a_time_in_the_order_of_asking():
    turns, order, at_work, most = Turns(), [], [], []
    told = [[] for _ in range(6)]
    begin = threading.Event()

    def work(number):
        begin.wait(20)
        at_work.append(number)
        most.append(len(at_work))
        time.sleep(0.01)
        order.append(number)
        at_work.remove(number)

    threads = start_in_order(turns, work, told)
    begin.set()
    for thread in threads:
        thread.join(20)
    assert order == list(range(6)) and set(most) == {1}
    assert told[0] == [0]
    for number, places in enumerate(told):
        assert places[0] == number and places[-1] == 0
        assert places == sorted(places, reverse=True)


def test_who_has_moved_on_computes_nothing_and_holds_nobody_up():
    turns, done, told = Turns(), [], [[] for _ in range(4)]
    begin = threading.Event()

    def work(number):
        begin.wait(20)
        done.append(number)

    threads = start_in_order(turns, work, told, moved_on=frozenset({1, 2}))
    wait_until(lambda: not threads[1].is_alive() and not threads[2].is_alive())
    wait_until(lambda: told[3][-1] == 1)  # only the one at work is still before it
    begin.set()
    for thread in threads:
        thread.join(20)
    assert done == [0, 3]


def test_a_fault_gives_the_turn_to_the_next():
    turns = Turns()
    with suppress(ZeroDivisionError), turns.turn(lambda before: None):
        1 / 0  # noqa: B018
    places = []
    with turns.turn(places.append):
        assert places == [0]
