from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import header, trial
from tpsprofile import merge, trust
from tpsprofile.analysis import like
from tpsprofile.analysis.like import Difference
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.errors import UsageError
from tpsprofile.records import EngineInfo, Machine, ModelFacts, Outcome, Provenance, Run, Trial, Workload

REPORT = Provenance(kind="as reported", source="a paper")
TEN = ModelFacts(name="falcon3:10b", parameters=10_300_000_000, quantisation="Q4_K_M")


def on(chip: str, *trials: Trial, **changes: Any) -> Run:
    """A run on a machine that is called as its chip is."""
    where = Machine(id=chip, chip=chip, ram_bytes=16 * 1024**3)
    fields: dict[str, Any] = {"run": f"{chip} {changes}", "machine": where}
    return Run(header=header(**fields | changes), trials=trials)


def summary(*runs: Run) -> Summary:
    return summarise(merge.table(runs))


def work(**changes: Any) -> Workload:
    return msgspec.structs.replace(trial().workload, depth_tokens=0, prompt_mode="raw", **changes)


def point(run: Run) -> Point:
    (found,) = summary(run).points
    return found


def known(**changes: Any) -> Trial:
    facts = ModelFacts(name="llama3.2:1b", parameters=10**9, quantisation="Q8_0", digest="sha256:1")
    fields: dict[str, Any] = {"model": facts, "workload": work(), "warnings": ()}
    return trial(**fields | changes)


BASE = point(on("A", known(context_tokens=4096), options={"cache": False, "slots": 1, "threads": 8}))


def other(**changes: Any) -> Point:
    """``BASE`` on another machine; ``changes`` of its series and of itself."""
    series = {key: value for key, value in changes.items() if key in BASE.series.__struct_fields__}
    mine = {key: value for key, value in changes.items() if key not in series}
    moved = msgspec.structs.replace(BASE.series, machine_id="B", machine="B", **series)
    return msgspec.structs.replace(BASE, series=moved, **mine)


ALIKE: dict[str, dict[str, Any]] = {
    "another machine": {},
    "another number of threads": {"options": '{"cache":false,"slots":1,"threads":16}'},
    "options in another order": {"options": '{"threads":8,"slots":1,"cache":false}'},
    "another speed": {"decode": None},
    "a digest that nobody knows": {"digest": None},
    "a context that the engine does not tell": {"context_tokens": None},
    "other warnings": {"warnings": (trust.Warning.BUSY,)},
}
UNLIKE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "quantisation": ({"quantisation": "Q4_K_M"}, ["quantisation"]),
    "unknown quantisation": ({"quantisation": None}, ["quantisation"]),
    "another file": ({"digest": "sha256:2"}, ["digest"]),
    "another engine, whose versions and options are its own": (
        {"engine": "ollama", "engine_version": "0.1", "options": None},
        ["engine"],
    ),
    "another version": ({"engine_version": "b2"}, ["version"]),
    "unknown version": ({"engine_version": None}, ["version"]),
    "a longer context": ({"context_asked": 8192, "context_tokens": 8192}, ["context"]),
    "a longer context that was asked for": ({"context_asked": 8192, "context_tokens": None}, ["context"]),
    "a longer context than was asked for": ({"context_tokens": 32768}, ["context"]),
    "deeper": ({"depth_tokens": 4096}, ["depth"]),
    "unknown depth": ({"depth_tokens": None}, ["depth"]),
    "another prompt": ({"prompt": "a poem"}, ["prompt"]),
    "a longer prompt": ({"prompt_tokens": 512}, ["prompt"]),
    "more tokens": ({"tokens_asked": 99}, ["tokens"]),
    "with a chat template": ({"prompt_mode": "chat"}, ["thinking"]),
    "with a draft": ({"speculative": True}, ["speculative"]),
    "a slow build": ({"warnings": (trust.Warning.SLOW_BUILD,)}, ["build"]),
    "other options": ({"options": '{"cache":true}'}, ["options"]),
    "options that are no JSON": ({"options": "{"}, ["options"]),
    "reported": ({"provenance": "as reported", "source": "a paper"}, ["source"]),
    "a twin, whose file is another by nature": ({"synthetic": True, "digest": "sha256:2"}, ["synthetic"]),
    "several": ({"quantisation": "Q4_0", "tokens_asked": None}, ["quantisation", "tokens"]),
}


@pytest.mark.parametrize("changes", ALIKE.values(), ids=ALIKE)
def test_what_is_alike(changes: dict[str, Any]) -> None:
    assert like.differences(BASE, other(**changes)) == ()


@pytest.mark.parametrize(("changes", "words"), UNLIKE.values(), ids=UNLIKE)
def test_what_is_not_alike(changes: dict[str, Any], words: list[str]) -> None:
    assert like.differences(BASE, other(**changes)) == tuple(map(Difference, words))


def test_every_difference_can_be_found() -> None:
    assert {word for _, words in UNLIKE.values() for word in words} == set(Difference)


def test_what_nobody_told_is_alike_within_one_source_only() -> None:
    silent = {"quantisation": None, "context_asked": None, "context_tokens": None, "provenance": "as reported"}
    mine = other(**silent, source="a paper")
    assert like.differences(mine, other(**silent, source="a paper")) == ()
    assert like.differences(mine, other(**silent, source="a blog")) == (
        Difference.QUANTISATION,
        Difference.CONTEXT,
        Difference.SOURCE,
    )


@pytest.mark.parametrize(
    ("digests", "provenance", "expected"),
    [
        ((None, None), "measured", [Difference.QUANTISATION]),
        (("sha256:1", None), "measured", [Difference.QUANTISATION]),
        (("sha256:1", "sha256:1"), "measured", []),
        ((None, None), "as reported", []),
    ],
    ids=["nothing told", "one file told", "one file", "one author"],
)
def test_one_name_may_be_two_quantisations_where_neither_they_nor_files_are_told(
    digests: tuple[str | None, str | None], provenance: str, expected: list[Difference]
) -> None:
    untold: dict[str, Any] = {"quantisation": None, "provenance": provenance, "source": "a paper"}
    a, b = (other(**untold, digest=digest, decode=None) for digest in digests)
    b = msgspec.structs.replace(b, series=msgspec.structs.replace(b.series, machine_id="C", machine="C"))
    assert list(like.differences(a, b)) == expected


def test_the_options_of_an_invented_machine_are_the_machine() -> None:
    mine, its = (other(simulated=True, options=text) for text in ('{"bandwidth":1}', '{"bandwidth":2}'))
    assert like.differences(mine, its) == ()


def test_of_a_model_without_a_figure_nobody_asks_for_version_file_or_build() -> None:
    (gone,) = summary(on("B", known(outcome=Outcome.DOES_NOT_FIT), options={"cache": False, "slots": 1})).absent
    assert like.differences(BASE, gone) == like.differences(gone, BASE) == ()
    assert like.differences(other(quantisation="Q4_0"), gone) == (Difference.QUANTISATION,)


ANY = st.builds(
    other,
    quantisation=st.sampled_from([None, "Q8_0", "Q4_0"]),
    digest=st.sampled_from([None, "1", "2"]),
    synthetic=st.booleans(),
    engine=st.sampled_from(["llama.cpp", "another"]),
    engine_version=st.sampled_from([None, "1", "2"]),
    depth_tokens=st.sampled_from([None, 0, 8]),
    prompt_tokens=st.sampled_from([None, 8]),
    options=st.sampled_from([None, '{"threads":1}', '{"cache":true}', "no JSON", "[]"]),
    provenance=st.sampled_from(["measured", "as reported"]),
    source=st.sampled_from([None, "a", "b"]),
    simulated=st.booleans(),
    warnings=st.sampled_from([(), (trust.Warning.SLOW_BUILD,)]),
)


@given(ANY, ANY)
def test_a_difference_is_one_from_both_sides(a: Point, b: Point) -> None:
    assert like.differences(a, b) == like.differences(b, a)


@given(ANY)
def test_a_point_has_no_difference_to_itself(a: Point) -> None:
    assert like.differences(a, a) == ()


def test_what_an_engine_reserved_says_nothing_of_a_model_that_it_has_not() -> None:
    skipped = summary(on("B", known(outcome=Outcome.DOES_NOT_FIT, tokens_out=None))).absent[0]
    longer = other(context_tokens=32768)
    assert Difference.CONTEXT not in like.differences(longer, skipped)
    assert Difference.CONTEXT not in like.differences(skipped, longer)


def test_of_several_points_the_pair_most_alike_counts() -> None:
    found = summary(
        on("A", known(), engine=EngineInfo(name="llama.cpp", version="b1")),
        on("A", known(), engine=EngineInfo(name="ollama", version="1")),
        on("B", known(), engine=EngineInfo(name="ollama", version="1")),
        on("B", known(), engine=EngineInfo(name="llama.cpp", version="b2")),
    )
    (pair,) = like.pairs(found, "A", "B")
    assert (pair.a.series.engine, pair.b.series.engine, pair.differences) == ("ollama", "ollama", ())


def test_among_pairs_equally_alike_the_plainest_counts_then_what_holds_more_models() -> None:
    deep, plain, wide = work(), work(), work(context_tokens=8192)
    deep = msgspec.structs.replace(deep, depth_tokens=4096)
    rows = [known(workload=deep), known(workload=plain), known(workload=wide), known(model=TEN, workload=wide)]
    small, large = like.pairs(summary(on("A", *rows), on("B", *rows)), "A", "B")
    assert (small.model, large.model) == ("llama3.2:1b", "falcon3:10b")
    assert [pair.a.series.depth_tokens for pair in (small, large)] == [0, 0]
    assert [pair.b.series.context_asked for pair in (small, large)] == [8192, 8192]


def test_a_shorter_context_goes_before_more_models() -> None:
    deep = msgspec.structs.replace(work(), depth_tokens=4096)
    rows = [known(workload=deep), known(workload=work()), known(model=TEN, workload=deep)]
    small, _ = like.pairs(summary(on("A", *rows), on("B", *rows)), "A", "B")
    assert small.a.series.depth_tokens == 0


def test_a_match_names_what_one_machine_alone_has() -> None:
    (match,) = like.matches(summary(on("A", known()), on("B", known(model=TEN))))
    assert (match.pairs, match.only_a, match.only_b) == ((), ("llama3.2:1b",), ("falcon3:10b",))


def test_a_model_without_a_decode_rate_is_no_pair() -> None:
    silent = known(decode_engine_s=None, decode_client_s=None, ttft_s=1.0)
    assert like.pairs(summary(on("A", known()), on("B", silent)), "A", "B") == ()


def test_quantisations_along_a_curve() -> None:
    small, large = other(), other(quantisation="Q4_K_M")
    assert like.mixed([small, small]) == like.mixed([]) == ()
    assert like.mixed([small, large, small, other(quantisation=None)]) == ("Q8_0", "Q4_K_M", "not known")


MACHINES = summary(
    *(on(chip, known()) for chip in ("Apple M2", "Apple M2 Max", "Apple M4 Max", "AMD EPYC (Milan)", "Apple M1X"))
)


@pytest.mark.parametrize(
    ("text", "chip"),
    [
        ("Apple M2 16 GB", "Apple M2"),
        ("apple m2", "Apple M2"),
        ("m2 max", "Apple M2 Max"),
        ("max M4", "Apple M4 Max"),
        ("MILAN", "AMD EPYC (Milan)"),
        ("4 ma", "Apple M4 Max"),
        ("m1", "Apple M1X"),
        ("ilan epy", "AMD EPYC (Milan)"),
    ],
)
def test_a_machine_is_found_by_any_part_of_its_label(text: str, chip: str) -> None:
    assert like.find(MACHINES, text).chip == chip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max", "'max' fits several machines: Apple M2 Max 16 GB; Apple M4 Max 16 GB. "),
        ("m2", "fits several machines: Apple M2 16 GB; Apple M2 Max 16 GB"),
        ("M7", "There is no machine 'M7'. There is: Apple M2 16 GB; Apple M2 Max 16 GB; Apple M4"),
        ("Apple M3 Max 16 GB", "Did you mean 'Apple M"),
        ("", "There is no machine ''."),
        ("((", "There is no machine"),
    ],
)
def test_a_machine_that_is_not_clear_is_told_with_all_there_are(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        like.find(MACHINES, text)
    assert says in str(caught.value)


def test_a_long_list_of_machines_is_cut() -> None:
    many = summary(*(on(f"chip{n}", known()) for n in range(20)))
    with pytest.raises(UsageError, match="; 8 more"):
        like.find(many, "nothing")


def test_without_a_machine_a_sweep_is_advised() -> None:
    with pytest.raises(UsageError, match="tpsprofile sweep"):
        like.find(Summary(points=(), absent=()), "m2")


def test_machines_of_one_label_are_told_apart() -> None:
    twin = Machine(id="aaaa", chip="Apple M2", ram_bytes=16 * 1024**3)
    found = summary(on("Apple M2", known()), on("Apple M2", known(), machine=twin, run="twin"))
    assert like.find(found, "aaaa").machine_id == "aaaa"
    with pytest.raises(UsageError, match="several"):
        like.find(found, "Apple M2")
