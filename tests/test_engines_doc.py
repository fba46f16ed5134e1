"""``docs/engines.md`` says of each engine what its capabilities say, and of each port what the code looks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tpsprofile.engines import knock, registry
from tpsprofile.engines.base import Capabilities
from tpsprofile.engines.installed import PORTS
from tpsprofile.engines.openai import servers
from tpsprofile.render import found

TEXT = (Path(__file__).parents[1] / "docs" / "engines.md").read_text()


def tables() -> list[list[list[str]]]:
    """The cells of each table, headings first, without the row of dashes."""
    blocks = re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE)
    rows = ([line.strip("| ").split(" | ") for line in block.splitlines()] for block in blocks)
    return [[first, *others] for first, _, *others in rows]


def columns() -> Mapping[str, Capabilities]:
    """A column an engine, and for the one that measures any server a column a kind that tells more than others."""
    own = {name: registry.create(name).can for name in registry.names() if name not in {"fake", "openai"}}
    kinds = {f"openai: {one.kind}": one.can for one in servers.DIALECTS if one.can != servers.OTHER.can}
    return {**own, **kinds, "openai: others": servers.OTHER.can}


def test_the_table_of_capabilities_is_that_of_the_engines() -> None:
    expected = [["a sweep learns", *columns()], *(list(row) for row in found.reports(columns()))]
    as_text = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert tables()[1] == expected, f"The table should be\n{as_text}"


def test_every_registered_engine_has_a_row() -> None:
    assert {row[0].strip("`") for row in tables()[0][1:]} >= {*registry.names(), "openai"}


def test_every_capability_is_explained() -> None:
    bold = " ".join(re.findall(r"^- \*\*([^*]+)\*\*", TEXT, re.MULTILINE)).replace(".", "").casefold()
    rows = [row for row in found.REPORTS if row != "models of its own"]
    unexplained = [row for row in rows if not {*re.split(r"\W+", row.casefold())} <= {*re.split(r"\W+", bold)}]
    assert not unexplained


def test_the_ports_are_those_that_are_asked() -> None:
    assert tables()[2][1:] == [[str(port.number), ", ".join(port.usual)] for port in PORTS]


def test_the_times_are_those_of_the_code() -> None:
    assert f"{knock.CONNECT_S} s for a\nconnection, {knock.ANSWER_S:.0f} s for answers" in TEXT
