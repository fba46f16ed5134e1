"""What Windows says of its power."""

import pytest

from tpsprofile.machine import windows
from tpsprofile.trust import LOW_MODES

BALANCED = "Power Scheme GUID: 381b4222-f694-41f0-9685-ff5bb260df2e  (Balanced)"
SAVER = "GUID des Energieschemas: a1841308-3541-4fab-bc81-f71556f20b4a  (Energiesparmodus)"


def status(saver: int) -> bytes:
    """A laptop on battery, half full, in the layout of ``SYSTEM_POWER_STATUS``."""
    return bytes([0, 1, 50, saver]) + (3600).to_bytes(4, "little") + (7200).to_bytes(4, "little")


def test_battery_saver_is_the_fourth_byte() -> None:
    assert windows.is_saving(status(1))
    assert not windows.is_saving(status(0))
    assert not windows.is_saving(b"")


@pytest.mark.parametrize(
    ("plan", "answer", "mode"),
    [
        (BALANCED, status(0), "automatic"),
        (BALANCED, status(1), "low"),
        (SAVER, status(0), "low"),
        ("", status(1), "low"),
        ("", b"", None),
    ],
)
def test_energy_is_saved_by_plan_or_by_battery_saver(
    monkeypatch: pytest.MonkeyPatch, plan: str, answer: bytes, mode: str | None
) -> None:
    monkeypatch.setattr(windows, "run", lambda *command: plan)
    monkeypatch.setattr(windows, "_power_status", lambda: answer)
    assert windows.power() == (None, mode)
    assert (mode in LOW_MODES) == (mode == "low")
