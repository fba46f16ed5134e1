"""The key of a server: where it comes from, and that it is seen nowhere but in the request.

It is asked for by the name of an environment variable, or from the system's keyring where the package ``keyring``
is installed (service ``tpsprofile``, user: the server's host). Nothing that a server answers is read before the
key has been taken out of it, since some quote it in their errors.
"""

from __future__ import annotations

import html
import os
import re
from typing import NoReturn

from tpsprofile.errors import UsageError

SERVICE = "tpsprofile"
"""Under which name the keyring has it."""
SHORTEST = 8
"""Characters of a key at least. It could not be told from other text if it had fewer."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]*|[A-Za-z_][A-Za-z0-9_]{0,31}")


_ESCAPES = re.compile(r"[\\%&]")


class Key:
    """A key that shows itself in no text, and takes itself out of any."""

    __slots__ = ("_cut", "_value", "_whole")

    def __init__(self, value: str) -> None:
        self._value = value
        whole = [_any_spelling(sign) for sign in value]
        # A server may cut what it quotes: the first signs, and what hangs on to them, count as the key as well.
        self._whole = re.compile("".join(whole))
        self._cut = re.compile("".join(whole) + "|" + "".join(whole[:SHORTEST]) + r"[^\s\"'<>,;]*")

    def header(self) -> str:
        """The value of the header ``Authorization``."""
        return f"Bearer {self._value}"

    def out_of(self, text: str, *, cut: bool = True) -> str:
        """The text without the key, however it is escaped in there.

        With ``cut`` also without what begins as the key does, as errors may quote it. Lists of models are not cut
        up so: where no key is wanted people give any word, which names may begin with.
        """
        if self._value[:SHORTEST] not in text and not _ESCAPES.search(text):
            return text
        return (self._cut if cut else self._whole).sub("[key]", text)

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not to be stored.")


def _any_spelling(sign: str) -> str:
    """A pattern for one character as it is, escaped for JSON, a URL or HTML, also more than once."""
    code = f"{ord(sign):02x}"
    named = html.escape(sign)
    spellings = [
        r"\\{0,8}" + re.escape(sign),
        rf"\\{{1,8}}(?:u00|x)(?i:{code})",
        rf"%(?:25){{0,4}}(?i:{code})",
        rf"&(?:amp;){{0,4}}#(?:0{{0,4}}{ord(sign)}|[xX]0{{0,4}}(?i:{code}));",
    ]
    if named != sign:
        spellings.insert(0, re.escape(named))
    return f"(?:{'|'.join(spellings)})"


def of_environment(variable: str) -> Key:
    """The key in that environment variable.

    Raises UsageError where there is none, or no possible one. It names the variable, unless that looks like a key.
    """
    if not _NAME.fullmatch(variable):
        raise UsageError(
            "What was named as the key's environment variable is no name of one.",
            "Give the variable's name, not the key: --key-env OPENAI_API_KEY.",
        )
    value = os.environ.get(variable, "").strip()
    if not value:
        raise UsageError(
            f"The environment variable {variable} has no key in it.", f"Set it: export {variable}=..."
        )
    return _checked(value, f"The environment variable {variable}")


def of_keyring(host: str) -> Key | None:
    """The key that the system's keyring has for this host; None without the package, or where it has none."""
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    try:
        value = keyring.get_password(SERVICE, host)
    except Exception:  # noqa: BLE001 - a keyring that is locked, broken or missing has no key
        return None
    return _checked(value.strip(), f"The keyring's entry for {host}") if value and value.strip() else None


def _checked(value: str, where: str) -> Key:
    """Refuse here what a header cannot hold: the errors of the libraries below would quote it."""
    if len(value) < SHORTEST or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise UsageError(f"{where} holds no key that could be sent.", f"It has at least {SHORTEST} plain signs.")
    return Key(value)
