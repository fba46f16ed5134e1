"""The pause between two models: a hot processor is a slower one, and the next model must not pay for the last."""

from __future__ import annotations

from collections.abc import Callable

from tpsprofile import units
from tpsprofile.clock import Clock
from tpsprofile.records import Conditions

NEAR_C = 5.0
"""So much warmer than at the beginning is cool enough, in degrees Celsius."""
STILL_C = 0.2
"""A fall smaller than this between two looks is no fall any more, in degrees Celsius."""
LOOK_EVERY_S = 5.0


class Cooler:
    """Waits between models, at most ``longest_s`` seconds each time.

    With a sensor it waits until the processor is about as cool as when the sweep began, or cools no further.
    Without one there is nothing to wait for, unless the model before slowed down: then it waits the whole time.
    """

    def __init__(self, look: Callable[[], Conditions], clock: Clock, longest_s: float) -> None:
        self._look = look
        self._clock = clock
        self._longest_s = longest_s
        self._cool_c: float | None = None
        self._begun = False

    def wait(self, say: Callable[[str], None], *, slowed: bool, left_s: float | None) -> None:
        """Wait if there is reason to, but not for more than a tenth of the ``left_s`` seconds of a budget.

        ``slowed``: the model before became slower from trial to trial.
        """
        now_c = self._look().temperature_c
        if not self._begun:
            self._begun, self._cool_c = True, now_c
            return
        longest_s = self._longest_s if left_s is None else min(self._longest_s, max(0.0, left_s / 10))
        if now_c is None or self._cool_c is None:
            if slowed and longest_s > 0:
                say(f"cooling down for {units.seconds(longest_s)}")
                self._clock.sleep(longest_s)
            return
        until = self._clock.monotonic() + longest_s
        while now_c > self._cool_c + NEAR_C and self._clock.monotonic() + LOOK_EVERY_S <= until:
            say(f"cooling down: {now_c:.0f} °C")
            self._clock.sleep(LOOK_EVERY_S)
            before_c, now_c = now_c, self._look().temperature_c
            if now_c is None or before_c - now_c < STILL_C:
                return
