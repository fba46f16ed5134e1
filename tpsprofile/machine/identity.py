"""A number that tells two machines apart and gives nothing away about either.

Every system keeps an id of its installation. It is hashed with a key of this program's own, so the result
cannot be compared with what other programs derive from the same id; the id itself is neither kept nor printed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import platform
import re
import sys
import uuid
from pathlib import Path

from tpsprofile.machine.shell import read, run

_KEY = b"tpsprofile machine id, version 1"


def machine_id() -> str:
    """Twelve hexadecimal digits, the same at every call on one installation of a system."""
    return keyed_hash(_installation_id() or _own_id(_data_folder()))


def keyed_hash(secret: str) -> str:
    """First twelve hexadecimal digits of HMAC-SHA256 under this program's key."""
    return hmac.new(_KEY, secret.strip().lower().encode(), hashlib.sha256).hexdigest()[:12]


def private_hash(text: str) -> str:
    """Twelve hexadecimal digits that only this installation of a system finds again from the text.

    For texts that others could guess, such as addresses: the key is the installation's own id.
    """
    key = _KEY + (_installation_id() or _own_id(_data_folder())).strip().lower().encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:12]


def parse_ioreg(text: str) -> str | None:
    """``IOPlatformUUID`` in the answer of ``ioreg``."""
    found = re.search(r'"IOPlatformUUID"\s*=\s*"([0-9A-Fa-f-]{36})"', text)
    return found[1] if found else None


def parse_machine_id(text: str) -> str | None:
    """systemd's ``/etc/machine-id``: 32 hexadecimal digits, or ``uninitialized`` in a fresh image."""
    return text if re.fullmatch(r"[0-9a-f]{32}", text) and set(text) != {"0"} else None


def _installation_id() -> str | None:
    system = platform.system()
    if system == "Darwin":
        return parse_ioreg(run("ioreg", "-rd1", "-c", "IOPlatformExpertDevice"))
    if system == "Windows":
        return _windows_guid()
    files = ("/etc/machine-id", "/var/lib/dbus/machine-id")
    return next(filter(None, (parse_machine_id(read(file)) for file in files)), None)


def _windows_guid() -> str | None:
    """``MachineGuid`` of the registry. Never run on a Windows machine by its authors."""
    if sys.platform == "win32":
        import winreg

        path, access = r"SOFTWARE\Microsoft\Cryptography", winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with (
            contextlib.suppress(OSError),
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key,
        ):
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    return None


def _own_id(folder: Path) -> str:
    """A random id kept in the user's data folder, where the system has none (a bare container).

    If nothing can be written there it is a new one each time: better than one that all such machines share.
    """
    file = folder / "machine-id"
    kept = parse_machine_id(read(file))
    if kept:
        return kept
    fresh = uuid.uuid4().hex
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(fresh + "\n", encoding="ascii")
    return fresh


def _data_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("tpsprofile", appauthor=False))
