"""Graphics processors: a made-up NVML, and texts of invented /sys folders."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tpsprofile.machine import gpu

GIB = 1024**3


class NotSupportedError(Exception):
    """As NVML raises for a figure that a card does not have."""


class Nvml:
    """An NVML with some cards: name, and memory in bytes or None for not supported."""

    def __init__(self, *cards: tuple[str | bytes | None, int | None]) -> None:
        self.cards = cards
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802
        return self.cards[index]

    def nvmlDeviceGetName(self, card: Any) -> Any:  # noqa: N802
        if card[0] is None:
            raise NotSupportedError
        return card[0]

    def nvmlDeviceGetMemoryInfo(self, card: Any) -> Any:  # noqa: N802
        if card[1] is None:
            raise NotSupportedError
        return SimpleNamespace(total=card[1], free=card[1] // 2)


@pytest.fixture
def no_cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host without any card in /sys and without nvidia-smi."""
    monkeypatch.setattr(gpu, "DRM", tmp_path)
    monkeypatch.setattr(gpu, "run", lambda *command: "")
    return tmp_path


def nvml(monkeypatch: pytest.MonkeyPatch, *cards: tuple[str | bytes | None, int | None]) -> Nvml:
    library = Nvml(*cards)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


@pytest.mark.usefixtures("no_cards")
def test_discrete_cards_have_memory_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    library = nvml(monkeypatch, ("NVIDIA RTX 9999", 24 * GIB), (b"Tesla 9", 16 * GIB))
    cards, unified = gpu.found()
    assert [(card.name, card.vram_bytes) for card in cards] == [
        ("NVIDIA RTX 9999", 24 * GIB),
        ("NVIDIA Tesla 9", 16 * GIB),
    ]
    assert unified is False
    assert gpu.free_vram_bytes() == 20 * GIB
    assert library.open == 0


@pytest.mark.usefixtures("no_cards")
@pytest.mark.parametrize(
    ("said", "name"),
    [("NVIDIA GB10", "NVIDIA GB10"), ("Orin (nvgpu)", "NVIDIA Orin"), ("NVIDIA Thor", "NVIDIA Thor")],
)
def test_no_memory_figure_means_unified_memory(monkeypatch: pytest.MonkeyPatch, said: str, name: str) -> None:
    nvml(monkeypatch, (said, None))
    cards, unified = gpu.found()
    assert [(card.name, card.vram_bytes) for card in cards] == [(name, None)]
    assert unified is True
    assert gpu.free_vram_bytes() == 0


@pytest.mark.usefixtures("no_cards")
def test_a_card_that_answers_nothing_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, (None, None), ("NVIDIA A9", GIB))
    assert [card.name for card in gpu.nvidia_gpus()] == ["NVIDIA A9"]


@pytest.mark.usefixtures("no_cards")
def test_a_host_without_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # the import itself fails
    assert gpu.found() == ((), None)
    assert gpu.free_vram_bytes() == 0


@pytest.mark.parametrize("nothing", ["N/A", "[N/A]", "Not Supported", "[Not Supported]", "", "0"])
def test_spellings_of_no_value(nothing: str) -> None:
    (card,) = gpu.parse_smi(f"NVIDIA GB99, {nothing}\n")
    assert card.vram_bytes is None


def test_nvidia_smi_counts_in_mib() -> None:
    cards = gpu.parse_smi("NVIDIA RTX 9, 8192\nNVIDIA RTX 9 Ti, 16384\n")
    assert [card.vram_bytes for card in cards] == [8 * GIB, 16 * GIB]
    assert gpu.parse_smi("NVIDIA-SMI has failed because it could not talk to the driver.\n") == []


def folder(drm: Path, card: str, **files: str) -> None:
    device = drm / card / "device"
    device.mkdir(parents=True)
    for name, text in files.items():
        (device / name).write_text(text + "\n")


HALO = {"vendor": "0x1002", "device": "0x1586", "product_name": ""}
HALO |= {"mem_info_vram_total": str(GIB // 2), "mem_info_vram_used": "0", "mem_info_gtt_total": str(120 * GIB)}


@pytest.mark.usefixtures("no_cards")
def test_strix_halo_reports_both_memories_and_its_proper_name(
    monkeypatch: pytest.MonkeyPatch, no_cards: Path
) -> None:
    nvml(monkeypatch)
    folder(no_cards, "card1", **HALO)
    folder(no_cards, "card1-HDMI-A-1", vendor="0x1002", device="0x1586")
    cards, unified = gpu.found("AMD RYZEN AI MAX+ 999 w/ Radeon 8060S")
    assert [(card.name, card.vram_bytes, card.shared_bytes) for card in cards] == [
        ("AMD Radeon 8060S", GIB // 2, 120 * GIB)
    ]
    assert unified is True
    assert gpu.free_vram_bytes() == GIB // 2


def test_an_integrated_card_without_a_brand_is_named_by_its_number() -> None:
    found = gpu.from_sysfs(HALO, "AMD Ryzen 9 with Radeon Graphics")
    assert found is not None
    assert found[0].name == "AMD Radeon 8050S/8060S"


def test_a_discrete_amd_card() -> None:
    texts = {"vendor": "0x1002", "device": "0x9999", "product_name": "", "mem_info_vram_total": str(8 * GIB)}
    found = gpu.from_sysfs(texts)
    assert found is not None
    card, unified = found
    assert (card.name, card.vram_bytes, card.shared_bytes) == ("AMD GPU 1002:9999", 8 * GIB, None)
    assert unified is False


def test_a_card_of_unknown_memory_is_neither() -> None:
    found = gpu.from_sysfs({"vendor": "0x8086", "device": "0x46a6"})
    assert found is not None
    assert found[0].name == "Intel GPU 8086:46a6"
    assert found[1] is None


@pytest.mark.parametrize("vendor", ["0x1af4", "0x1a03", "0x1234", ""])
def test_screens_of_virtual_machines_are_no_gpus(vendor: str) -> None:
    assert gpu.from_sysfs({"vendor": vendor, "device": "0x1050"}) is None
