"""Programs that may run models here: where they are installed, and on which ports they answer. None is started.

macOS applications are looked for in the two folders that hold them; that part was never run on a Mac.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

from tpsprofile.engines.openai.servers import LLAMA_SERVER, LM_STUDIO, MLX_LM, OLLAMA, OTHER, VLLM
from tpsprofile.records import Record


class Product(Record, frozen=True, kw_only=True):
    """A program that a user may have, and how it is told, started and installed."""

    name: str
    """As its makers write it."""
    kind: str = OTHER.kind
    """The kind of server that it is, in the words of ``openai.servers``."""
    engine: str | None = None
    """Name of the registered engine that starts it by itself."""
    commands: tuple[str, ...] = ()
    """Names on the PATH, any of which means that it is installed."""
    files: tuple[str, ...] = ()
    """The same below the home folder, for programs that do not put themselves on the PATH."""
    apps: tuple[str, ...] = ()
    """Names of macOS applications."""
    package: tuple[str, str] | None = None
    """A Python package: the module to import, and the distribution that tells the version."""
    start: str
    """The command, or what to do, that makes it answer on its port."""
    install: str
    """How it is installed, in few words."""


class Installed(Record, frozen=True, kw_only=True):
    """Where a program is."""

    product: Product
    where: str
    """Path of the command or the application; ``Python package`` for a package."""
    version: str | None = None
    """Told by packages alone: a program would have to be started for it."""


EMBEDDED = ("xllamacpp", "xllamacpp")
"""Module and distribution of the llama.cpp that comes with this package."""

PRODUCTS: tuple[Product, ...] = (
    Product(
        name="Ollama",
        kind=OLLAMA.kind,
        commands=("ollama",),
        apps=("Ollama.app",),
        start="ollama serve",
        install="ollama.com",
    ),
    Product(
        name="LM Studio",
        kind=LM_STUDIO.kind,
        commands=("lms",),
        files=(".lmstudio/bin/lms", ".cache/lm-studio/bin/lms"),
        apps=("LM Studio.app",),
        start="lms server start",
        install="lmstudio.ai",
    ),
    Product(
        name="llama-server",
        kind=LLAMA_SERVER.kind,
        engine="llama-server",
        commands=("llama-server",),
        start="llama-server -m FILE.gguf --port 8080",
        install="brew or winget install llama.cpp",
    ),
    Product(
        name="llamafile",
        kind=LLAMA_SERVER.kind,
        commands=("llamafile",),
        start="llamafile --server -m FILE.gguf",
        install="github.com/mozilla-ai/llamafile",
    ),
    Product(
        name="mlx_lm.server",
        kind=MLX_LM.kind,
        engine="mlx",
        commands=("mlx_lm.server",),
        package=("mlx_lm", "mlx-lm"),
        start="mlx_lm.server --model NAME",
        install="pip install mlx-lm",
    ),
    Product(
        name="vLLM",
        kind=VLLM.kind,
        commands=("vllm",),
        package=("vllm", "vllm"),
        start="vllm serve NAME",
        install="pip install vllm",
    ),
    Product(
        name="KoboldCpp",
        commands=("koboldcpp",),
        start="koboldcpp --model FILE.gguf",
        install="github.com/LostRuins/koboldcpp",
    ),
    Product(
        name="Jan",
        apps=("Jan.app",),
        start="Jan: Settings, Local API Server, Start",
        install="jan.ai",
    ),
)


class Port(Record, frozen=True, kw_only=True):
    """A port of this computer that is worth asking."""

    number: int
    usual: tuple[str, ...]
    """Who listens there unless told otherwise; what does is asked, not assumed."""


PORTS: tuple[Port, ...] = (
    Port(number=11434, usual=("Ollama",)),  # docs.ollama.com/faq
    Port(number=8080, usual=("llama-server", "mlx_lm.server", "llamafile")),  # each one's --port
    Port(number=8081, usual=("a second llama-server",)),
    Port(number=1234, usual=("LM Studio",)),  # lmstudio.ai/docs/developer
    Port(number=8000, usual=("vLLM",)),  # docs.vllm.ai, vllm serve --port
    Port(number=5000, usual=("text-generation-webui", "TabbyAPI", "AirPlay of macOS")),  # their wikis
    Port(number=5001, usual=("KoboldCpp",)),  # koboldcpp --port
    Port(number=1337, usual=("Jan",)),  # jan.ai/docs/local-api
    Port(number=52415, usual=("exo",)),  # github.com/exo-explore/exo
    Port(number=4891, usual=("GPT4All",)),  # its wiki, Local-API-Server
    Port(number=9337, usual=("Mesh LLM",)),  # github.com/Mesh-LLM/mesh-llm
    Port(number=30000, usual=("SGLang",)),  # docs.sglang.ai, --port
)


def app_folders() -> tuple[Path, ...]:
    """Where macOS keeps applications; elsewhere these folders do not exist."""
    return Path("/Applications"), Path.home() / "Applications"


def find(product: Product, *, folders: Sequence[Path] | None = None, home: Path | None = None) -> Installed | None:
    """Where the program is, else None. ``folders`` hold applications, ``home`` the user's files."""
    for command in product.commands:
        if path := shutil.which(command):
            return Installed(product=product, where=path, version=_version(product))
    own = [(home or Path.home()) / file for file in product.files]
    apps = [folder / app for folder in (folders or app_folders()) for app in product.apps]
    for place in (*own, *apps):
        if place.exists():
            return Installed(product=product, where=str(place), version=_version(product))
    if product.package and is_importable(product.package[0]):
        return Installed(product=product, where="Python package", version=_version(product))
    return None


def is_importable(module: str) -> bool:
    """A top-level module is there; it is not imported, so that nothing of it runs."""
    return importlib.util.find_spec(module) is not None


def version_of(distribution: str) -> str | None:
    """Version of an installed distribution; None where there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _version(product: Product) -> str | None:
    if product.package is None or not is_importable(product.package[0]):
        return None
    return version_of(product.package[1])
