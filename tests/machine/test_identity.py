"""The machine's id: stable, and silent about what it was made from."""

import re
from pathlib import Path

import pytest

from tpsprofile.machine import identity

UUID = "12345678-ABCD-4321-DCBA-1234567890AB"


def test_an_id_is_twelve_digits_that_do_not_show_the_secret() -> None:
    made = identity.keyed_hash(UUID)
    assert re.fullmatch(r"[0-9a-f]{12}", made)
    assert made not in UUID.lower().replace("-", "")
    assert made == identity.keyed_hash(f" {UUID.lower()}\n")
    assert made != identity.keyed_hash(UUID.replace("1", "2"))


def test_this_machine_has_the_same_id_twice() -> None:
    assert identity.machine_id() == identity.machine_id()


def test_an_address_is_hashed_under_the_installations_own_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_installation_id", lambda: UUID)
    made = identity.private_hash("http://10.0.0.5:1")
    assert re.fullmatch(r"[0-9a-f]{12}", made)
    assert made == identity.private_hash("http://10.0.0.5:1")
    assert made != identity.private_hash("http://10.0.0.6:1")
    monkeypatch.setattr(identity, "_installation_id", lambda: UUID.replace("1", "2"))
    assert made != identity.private_hash("http://10.0.0.5:1"), "nobody else finds it by trying addresses"


def test_ioreg() -> None:
    text = f'+-o J999AP  <class X>\n  "IOPlatformSerialNumber" = "X"\n  "IOPlatformUUID" = "{UUID}"\n'
    assert identity.parse_ioreg(text) == UUID
    assert identity.parse_ioreg("") is None


@pytest.mark.parametrize("text", ["", "uninitialized", "0" * 32, "x" * 32])
def test_a_fresh_image_has_no_id_yet(text: str) -> None:
    assert identity.parse_machine_id(text) is None


def test_a_random_id_is_kept_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_installation_id", lambda: None)
    monkeypatch.setattr(identity, "_data_folder", lambda: tmp_path / "data")
    first = identity.machine_id()
    assert identity.machine_id() == first
    (tmp_path / "data" / "machine-id").unlink()
    assert identity.machine_id() != first


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(identity._own_id(tmp_path / "file" / "data")) == 32


def test_the_makers_bandwidth_is_found_by_chip_and_gpu_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    from tpsprofile.machine import identify, portable
    from tpsprofile.machine.facts import Facts
    from tpsprofile.records import Gpu

    monkeypatch.setattr("platform.system", lambda: "Plan 9")
    for cores, expected in [(32, 410e9), (40, 546e9), (None, None)]:
        facts = Facts(chip="Apple M4 Max", gpus=(Gpu(name="eGPU"), Gpu(name="Apple M4 Max", cores=cores)))
        monkeypatch.setattr(portable, "facts", lambda facts=facts: facts)
        assert identify(bandwidth=False).bandwidth_spec_bytes_s == expected


def test_the_raw_id_is_in_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    from tpsprofile.machine import identify

    monkeypatch.setattr(identity, "_installation_id", lambda: UUID)
    text = msgspec.json.encode(identify(bandwidth=False)).decode()
    assert UUID.lower() not in text.lower()
    assert identity.keyed_hash(UUID) in text
