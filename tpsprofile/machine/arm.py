"""Names for ARM cores and system chips, which Linux gives as numbers.

Core numbers are those that ARM and its licensees registered, as in util-linux's ``sys-utils/lscpu-arm.c``;
chip names are the last entry of a device tree's ``compatible``.
"""

from __future__ import annotations

# (implementer, part) in /proc/cpuinfo
CORES: dict[tuple[int, int], str] = {
    (0x41, 0xB76): "ARM1176",
    (0x41, 0xC07): "Cortex-A7",
    (0x41, 0xC0F): "Cortex-A15",
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD0E): "Cortex-A76AE",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD42): "Cortex-A78AE",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4C): "Cortex-X1C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD83): "Neoverse-V3AE",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x43, 0x0A1): "ThunderX",
    (0x51, 0x001): "Oryon",
    (0x61, 0x022): "Icestorm",
    (0x61, 0x023): "Firestorm",
    (0x61, 0x024): "Icestorm",
    (0x61, 0x025): "Firestorm",
    (0x61, 0x028): "Icestorm",
    (0x61, 0x029): "Firestorm",
    (0x61, 0x032): "Blizzard",
    (0x61, 0x033): "Avalanche",
    (0x61, 0x034): "Blizzard",
    (0x61, 0x035): "Avalanche",
    (0x61, 0x038): "Blizzard",
    (0x61, 0x039): "Avalanche",
}

CHIPS: dict[str, str] = {
    "apple,t8103": "Apple M1",
    "apple,t6000": "Apple M1 Pro",
    "apple,t6001": "Apple M1 Max",
    "apple,t6002": "Apple M1 Ultra",
    "apple,t8112": "Apple M2",
    "apple,t6020": "Apple M2 Pro",
    "apple,t6021": "Apple M2 Max",
    "apple,t6022": "Apple M2 Ultra",
    "brcm,bcm2711": "Broadcom BCM2711",
    "brcm,bcm2712": "Broadcom BCM2712",
    "brcm,bcm2837": "Broadcom BCM2837",
    "nvidia,tegra194": "NVIDIA Xavier",
    "nvidia,tegra234": "NVIDIA Orin",
    "nvidia,tegra264": "NVIDIA Thor",
    "qcom,x1e80100": "Snapdragon X Elite",
    "qcom,x1p42100": "Snapdragon X Plus",
    "rockchip,rk3588": "Rockchip RK3588",
    "rockchip,rk3588s": "Rockchip RK3588S",
}


def core(implementer: int, part: int) -> str:
    """The name of a core, or its two numbers where nobody told us one."""
    return CORES.get((implementer, part), f"ARM {implementer:#04x}:{part:#05x}")


def chip(compatible: str) -> str | None:
    """The system chip in a device tree's ``compatible``, a line an entry, most general last."""
    return next((CHIPS[line] for line in reversed(compatible.split()) if line in CHIPS), None)
