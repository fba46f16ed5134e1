"""Limits of control groups, read from invented trees."""

from pathlib import Path

import pytest

from tpsprofile.machine import cgroup


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


@pytest.mark.parametrize(
    ("text", "expected"), [("max", None), ("1073741824", 1073741824), ("9223372036854771712", None), ("", None)]
)
def test_memory_limit(text: str, expected: int | None) -> None:
    assert cgroup.limit_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000", None), ("400000 100000", 4), ("150000 100000", 2), ("1000 100000", 1), ("", None)],
)
def test_quota(text: str, expected: int | None) -> None:
    assert cgroup.quota_cpus(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("0-3,8", 5), ("7", 1), ("", None), ("\n", None)])
def test_cpuset(text: str, expected: int | None) -> None:
    assert cgroup.count_cpus(text) == expected


def tree(tmp_path: Path, groups: str) -> tuple[Path, Path]:
    write(tmp_path / "proc" / "self", cgroup=groups)
    return tmp_path / "fs", tmp_path / "proc"


def test_version_2_counts_limits_of_every_group_above(tmp_path: Path) -> None:
    root, proc = tree(tmp_path, "0::/slice/job")
    write(root / "slice", memory__max="1000", memory__current="900", memory__stat="anon 1\ninactive_file 500")
    write(root / "slice/job", memory__max="max", cpu__max="max 100000", cpuset__cpus__effective="0-3")
    assert cgroup.memory_limit_bytes(root, proc) == 1000
    assert cgroup.memory_left_bytes(root, proc) == 600  # 400 in use: half of the cache can be dropped
    assert cgroup.cpu_limit(root, proc) == 4


def test_inside_a_container_the_root_is_its_own_group(tmp_path: Path) -> None:
    root, proc = tree(tmp_path, "0::/")
    write(root, memory__max="5000", memory__current="1000", cpu__max="250000 100000")
    assert cgroup.memory_left_bytes(root, proc) == 4000
    assert cgroup.cpu_limit(root, proc) == 3


def test_a_quota_without_limit_does_not_hide_the_set(tmp_path: Path) -> None:
    root, proc = tree(tmp_path, "0::/")
    write(root, cpu__max="max 100000", cpuset__cpus="", cpuset__cpus__effective="2-3")
    assert cgroup.cpu_limit(root, proc) == 2


def test_version_1_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    root, proc = tree(tmp_path, "4:memory:/box\n1:cpu,cpuacct:/\n0::/")
    write(root / "memory/box", memory__limit_in_bytes="2000", memory__usage_in_bytes="500")
    write(root / "memory", memory__limit_in_bytes="9223372036854771712")
    assert cgroup.memory_limit_bytes(root, proc) == 2000
    assert cgroup.memory_left_bytes(root, proc) == 1500


def test_no_limit_is_none(tmp_path: Path) -> None:
    root, proc = tree(tmp_path, "0::/user.slice")
    assert cgroup.memory_limit_bytes(root, proc) is None
    assert cgroup.memory_left_bytes(root, proc) is None
    assert cgroup.cpu_limit(root, proc) is None
