"""The pause between two models, on a clock that passes at once."""

from __future__ import annotations

import pytest

from tests.support import WHEN
from tpsprofile.cool import Cooler
from tpsprofile.engines.fake import VirtualClock
from tpsprofile.records import Conditions


class Thermometer:
    """A processor that cools by half of what it is too warm in a minute."""

    def __init__(self, clock: VirtualClock, *degrees: float) -> None:
        self._clock, self._first, self._rest = clock, degrees[0], degrees[1:]
        self._looks = 0

    def __call__(self) -> Conditions:
        self._looks += 1
        if self._looks == 1:
            return Conditions(temperature_c=self._first)
        hot, cool = self._rest
        return Conditions(temperature_c=cool + (hot - cool) * 0.5 ** (self._clock.monotonic() / 60))


def waited(
    look: object, clock: VirtualClock, longest_s: float, left_s: float | None = None
) -> tuple[float, list[str]]:
    said: list[str] = []
    cooler = Cooler(look, clock, longest_s)  # type: ignore[arg-type]
    cooler.wait(said.append, slowed=False, left_s=left_s)
    assert clock.monotonic() == 0, "nothing ran before the first model"
    cooler.wait(said.append, slowed=False, left_s=left_s)
    return clock.monotonic(), said


def test_it_waits_until_the_processor_is_as_cool_as_at_the_beginning() -> None:
    clock = VirtualClock(WHEN)
    seconds, said = waited(Thermometer(clock, 50.0, 90.0, 50.0), clock, 600.0)
    assert seconds == 180.0, "40 degrees too warm are 5 after three halvings"
    assert said[0] == "cooling down: 90 °C"


def test_it_waits_no_longer_than_it_may() -> None:
    clock = VirtualClock(WHEN)
    assert waited(Thermometer(clock, 50.0, 90.0, 50.0), clock, 60.0)[0] == 60.0


def test_it_takes_no_more_than_a_tenth_of_what_is_left() -> None:
    clock = VirtualClock(WHEN)
    assert waited(Thermometer(clock, 50.0, 90.0, 50.0), clock, 60.0, left_s=200.0)[0] == 20.0


def test_it_does_not_wait_for_what_cools_no_further() -> None:
    clock = VirtualClock(WHEN)
    assert waited(Thermometer(clock, 50.0, 71.0, 70.0), clock, 600.0)[0] < 30


def test_a_cool_processor_is_not_waited_for() -> None:
    clock = VirtualClock(WHEN)
    assert waited(Thermometer(clock, 50.0, 53.0, 50.0), clock, 600.0) == (0.0, [])


@pytest.mark.parametrize(("slowed", "seconds"), [(False, 0.0), (True, 45.0)])
def test_without_a_sensor_it_waits_after_a_model_that_slowed_down(slowed: bool, seconds: float) -> None:
    clock = VirtualClock(WHEN)
    cooler = Cooler(Conditions, clock, 45.0)
    cooler.wait(print, slowed=True, left_s=None)
    cooler.wait(lambda why: None, slowed=slowed, left_s=None)
    assert clock.monotonic() == seconds
