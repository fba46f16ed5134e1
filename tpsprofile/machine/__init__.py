"""What this host is and how it is doing; looks, and changes nothing.

    identify()              -> Machine       what it is, with its memory bandwidth measured
    conditions.look()       -> Conditions    how it is doing: power, load, memory, heat
    activity.read()         -> Activity      what it has done so far, for comparing two moments
    fit.usable_bytes()      -> int | None    memory that a model may take right now

psutil and py-cpuinfo are asked first (``portable``); ``apple``, ``linux`` and ``windows`` add what those cannot
know and correct what they get wrong, each from pure parsers of what its system prints.
"""

from __future__ import annotations

from tpsprofile.records import Machine


def identify(*, tag: str | None = None, bandwidth: bool = True) -> Machine:
    """This computer, in two to four seconds, one of them for its memory bandwidth if that is asked for.

    ``tag`` is the user's own name for it. Nothing is raised: what cannot be found out is None.
    """
    import platform

    import msgspec

    from tpsprofile.machine import apple, chips, identity, linux, portable, windows
    from tpsprofile.machine import bandwidth as memory_bandwidth
    from tpsprofile.machine.facts import Facts, merge

    known = portable.facts()
    ask = {"Darwin": apple.facts, "Linux": linux.facts, "Windows": windows.facts}.get(platform.system())
    facts = merge(ask(known) if ask else Facts(), known)
    described = msgspec.structs.asdict(facts)
    gpu_cores = next((gpu.cores for gpu in facts.gpus if gpu.cores is not None), None)
    return Machine(
        **(described | {"chip": facts.chip or f"{facts.arch or 'unknown'} processor"}),
        id=identity.machine_id(),
        tag=tag,
        bandwidth_bytes_s=memory_bandwidth.measure(threads=facts.cores_physical) if bandwidth else None,
        bandwidth_spec_bytes_s=chips.specified_bandwidth(facts.chip or "", gpu_cores),
    )
