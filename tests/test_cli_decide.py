from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from tests.comparisons import B, compared, estimate, reported
from tests.support import header, trial
from tpsprofile import schema
from tpsprofile.analysis import tasks
from tpsprofile.analysis.between import Item
from tpsprofile.analysis.claim import Claim
from tpsprofile.analysis.cost import Prices, costs
from tpsprofile.analysis.decision import decide
from tpsprofile.analysis.evidence import Reason
from tpsprofile.analysis.like import Who
from tpsprofile.analysis.rules import RULES, Rule
from tpsprofile.analysis.speed import Limit, What
from tpsprofile.cli import main
from tpsprofile.records import Machine, ModelFacts, Outcome, Trial
from tpsprofile.render import costed, decided

REPORTED = Path(__file__).parents[1] / "results" / "as-reported"
LAPTOPS = ("--from", "M2 Max", "--to", "M4 Max", "-r", str(REPORTED))


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["decide", *arguments])


def words(*arguments: str) -> str:
    """What is printed, on one line."""
    found = call(*arguments)
    assert found.exit_code == 0, found.output
    return " ".join(found.stdout.split())


def rows(rates: dict[float, float], **changes: Any) -> list[Trial]:
    found = []
    for size, rate in rates.items():
        facts = ModelFacts(name=f"m{size:g}", parameters=int(size * B), quantisation="Q4_K_M")
        found += [
            trial(model=facts, number=n, decode_engine_s=10 / rate * (1 + n / 100), **changes) for n in (1, 2, 3)
        ]
    return found


def machine(folder: Path, name: str, trials: list[Trial]) -> None:
    head = header(run=f"run-{name}", machine=Machine(id=name, chip=name))
    (folder / f"{name}.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, trials)))


def test_two_laptops_as_reported_say_wait_and_why() -> None:
    found = words(*LAPTOPS, "--line", "10")
    assert found.startswith("Wait. M4 Max has 1.32× the speed of M2 Max, but no common size")
    assert "none lies between 48.6B and 66.5B" in found
    assert "faster alone 1.2 to 1.5 times the speed, and no model or common size is surely gained" in found
    assert "qwen2.5:72b class (9.00 tok/s) just misses 10 tok/s. [wait]" in found
    assert "qwen2.5:72b class needs 1.11× its speed" in found
    assert "Figures are as others reported them." in found
    assert found.count("qwen2.5-coder:32b (") == 2, "the largest usable one on both"


def test_what_was_said_of_them_is_checked() -> None:
    found = words(*LAPTOPS, "--claim", "15-25%")
    assert "Claim: 15 to 25% faster figures 25 to 43%; 1 of 4 as claimed" in found
    assert words(*LAPTOPS, "--claim", "25 to 15") == found, "in any order"
    assert "10.3B 33% (30 to 35% by rounding) more than claimed" in found
    assert "72.7B 29% (13 to 46% by rounding) more than claimed, but not excluded" in found


def test_costs_are_shown_where_there_are_prices() -> None:
    found = words(*LAPTOPS, "--price", "4699", "--resale", "1500", "--watts", "60", "--kwh-price", "0.3")
    assert "net price 3,199 (4,699 less 1,500)" in found
    assert "per gained 1B 179 [" in found
    assert "a million tokens at 60 W 1.2B 0.0833 kWh, 0.025" in found
    assert "Cost" not in words(*LAPTOPS)


def test_a_task_without_times_to_the_first_token_is_told() -> None:
    found = words(*LAPTOPS, "--task", "coding")
    assert "instead of 500 tokens in 30 s, decode alone at 16.67 tok/s" in found
    assert found.startswith("Upgrade. Usable on M4 Max alone: qwen2.5-coder:32b")


def test_a_task_counts_the_time_to_the_first_token(tmp_path: Path) -> None:
    machine(tmp_path, "Old", rows({1.0: 60.0, 8.0: 20.0}, ttft_s=4.0))
    machine(tmp_path, "New", rows({1.0: 80.0, 8.0: 26.0}, ttft_s=20.0))
    found = words("--from", "Old", "--to", "New", "-r", str(tmp_path), "--task", "coding")
    assert "Largest usable model (500 tokens in 30 s)" in found
    assert "decode alone" not in found
    assert re.match(r"Wait\. No longer usable on New: m8 \(\d\d s to 40 s\)\.", found)
    assert "New has 0.59× the speed of Old. [wait]" in found


def test_memory_is_a_gain(tmp_path: Path) -> None:
    none = trial(
        model=ModelFacts(name="m14", parameters=14 * B, quantisation="Q4_K_M"),
        outcome=Outcome.DOES_NOT_FIT,
        reason="needs 9.1 GiB, 7.2 GiB free",
    )
    machine(tmp_path, "Old", [*rows({1.0: 60.0, 3.0: 40.0, 8.0: 20.0}), none])
    machine(tmp_path, "New", rows({1.0: 61.0, 3.0: 41.0, 8.0: 20.5, 14.0: 12.0}))
    found = words("--from", "Old", "--to", "New", "-r", str(tmp_path))
    assert found.startswith("Upgrade. Usable on New alone: m14 (11.8 tok/s)")
    assert "m14 does not fit: needs 9.1 GiB, 7.2 GiB free" in found
    assert "[no difference]" in found, "in speed alone"


def test_a_figure_of_grade_d_decides_nothing(tmp_path: Path) -> None:
    shaky = rows({8.0: 3.4}, warnings=("swapping",))
    machine(tmp_path, "Old", [*rows({1.0: 60.0, 3.0: 40.0}), *shaky])
    machine(tmp_path, "New", rows({1.0: 66.0, 3.0: 44.0, 8.0: 279.0}))
    found = words("--from", "Old", "--to", "New", "-r", str(tmp_path))
    assert found.startswith("No difference. New has 1.10× the speed of Old")
    assert "left out Grade D, so in no mean and no gain: m8." in found
    assert re.search(r"m8 8.0B 3.3\d 27\d grade D", found)
    chip = words("--from", "Old", "--to", "M4 Max 40-core", "-r", str(tmp_path))
    assert "in no mean and no gain: m8." in chip
    assert "alone: m8" not in chip


@pytest.mark.parametrize("width", [50, 60, 70, 80])
def test_names_of_machines_are_shortened_before_those_of_models(tmp_path: Path, width: int) -> None:
    names = [f"longmodel{size}:{size}b" for size in (1, 3, 8)]
    trials = [
        structs.replace(one, model=structs.replace(one.model, name=names[number // 3]))
        for number, one in enumerate(rows({1.0: 60.0, 3.0: 40.0, 8.0: 5.0}))
    ]
    head = header(run="run-old", machine=Machine(id="old", chip="AMD EPYC 7000"))
    (tmp_path / "old.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, trials)))
    found = call("--from", "EPYC", "--to", "M4 Max 40-core", "-r", str(tmp_path), width=width).stdout.splitlines()
    start = next(number for number, line in enumerate(found) if line.startswith("model"))
    lines = found[start : found.index("Why")]
    assert [line.split()[0] for line in lines[1:4]] == names, "each on a line of its own"
    assert max(map(len, found)) <= width
    if width == 60:
        assert "EPYC" in lines[0]
        assert "AMD" not in lines[0]
        assert lines[3].split()[-2:] == ["M4", "Max"]
    assert ("[" in lines[1]) is (width > 60), "brackets go before columns"


def test_headings_without_names_are_explained() -> None:
    alike = [
        Who(machine_id=one, machine=f"Same Chip, 8 cores, 16 GB [{one}]", chip=None, ram_bytes=None)
        for one in "ab"
    ]
    pair = structs.replace(reported(), a=alike[0], b=alike[1])
    section = decided.page(decide(pair), pair).sections[0]
    assert section.title == "Machines"
    assert [(label, name[-3:]) for label, name in section.lines] == [("first", "[a]"), ("second", "[b]")]
    assert decided.page(decide(reported()), reported()).sections[0].title == "Why"


def test_json_holds_the_decision_its_figures_and_the_costs() -> None:
    found = json.loads(call(*LAPTOPS, "--price", "1000", "--json").stdout)
    assert found["decision"]["verdict"] == "wait"
    assert found["decision"]["decisive"]["rule"] == "faster alone"
    assert len(found["comparison"]["rows"]) == 4
    assert "fit_a" not in found["comparison"]
    assert found["costs"]["net"] == 1000


def test_json_holds_every_note_in_full() -> None:
    assert json.loads(call(*LAPTOPS, "--json").stdout)["notes"] == []
    asked = ("--from", "M2", "--to", "RTX 4090", "--task", "coding", "-r", str(REPORTED))
    notes = json.loads(call(*asked, "--json").stdout)["notes"]
    page = words(*asked)
    assert "decode alone at 16.67 tok/s" in notes[0]
    assert len(notes) > 1, "and what is to be said of a prediction"
    assert all(note in page for note in notes[:4])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_answer_fits_and_is_plain_where_there_is_no_terminal(width: int) -> None:
    found = call(*LAPTOPS, "--claim", "20%", "--price", "4699", "--watts", "60", width=width)
    assert max(map(len, found.stdout.splitlines())) <= width
    assert "\x1b" not in found.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--task", "codding"], "coding"),
        (["--task", "chat", "--line", "5"], "--task is a limit of its own"),
        (["--claim", "much"], "15-25%"),
        (["--price", "-1"], "--price"),
        (["--price", "nan"], "'nan' is not an amount"),
        (["--kwh-price", "inf"], "'inf' is not an amount"),
        (["--watts", "1e999"], "'1e999' is not an amount"),
        (["--resale", "NaN"], "'NaN' is not an amount"),
        (["--allow", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_asked_is_said_on_one_line(arguments: list[str], says: str) -> None:
    found = call(*LAPTOPS, *arguments)
    assert found.exit_code == 2
    assert says in found.stderr.splitlines()[-1]


def test_a_machine_that_is_not_there_is_named() -> None:
    found = call("--from", "M2 Max", "--to", "Cray", "-r", str(REPORTED))
    assert found.exit_code == 2
    assert "Cray" in found.stderr


def test_a_damaged_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("not ours\n")
    found = call(*LAPTOPS, "-r", str(bad))
    assert found.exit_code == 3
    assert "Left out" in found.stderr
    assert found.stdout.startswith("Wait.")


def test_a_chip_that_nobody_measured_is_predicted_and_marked() -> None:
    found = words("--from", "M2 Max", "--to", "M4 Max 40-core", "--ram", "64", "-r", str(REPORTED))
    assert found.startswith("Wait (predicted). M4 Max (40-core GPU) has 1.")
    assert "Nobody measured Apple M4 Max (40-core GPU)" in found


def test_who_has_an_older_machine_still_may_upgrade() -> None:
    found = words("--from", "M1 Max", "--to", "M4 Max", "-r", str(REPORTED))
    assert found.startswith("Upgrade (predicted). M4 Max has 1.")
    assert "much faster" in found


def test_a_task_of_a_predicted_chip_is_one_of_decode() -> None:
    found = words("--from", "M2", "--to", "RTX 4090", "--task", "coding", "-r", str(REPORTED))
    assert "decode alone at 16.67 tok/s" in found
    assert "qwen2.5:72b class does not fit: needs" in found
    assert "does not fit in the chip's memory" not in found, "a caveat of a model that is left out"


def test_a_prediction_knows_no_time_to_the_first_token(tmp_path: Path) -> None:
    machine(tmp_path, "Old", rows({1.0: 60.0, 8.0: 20.0}, ttft_s=1.0))
    found = words("--from", "Old", "--to", "RTX 4090", "--task", "coding", "-r", str(tmp_path))
    assert "decode alone at 16.67 tok/s" in found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "M1 Max", "--to", "RTX 4090"], "Nobody measured M1 Max or RTX 4090"),
        (["--from", "M2 Max", "--to", "M4 Max", "--ram", "64"], "--ram is for a chip"),
        (["--from", "M2 Max", "--to", "Apple"], "fits several machines"),
        (["--from", "M2 Max", "--to", "M4 Max 40-core", "--ram", "much"], "not an amount of memory"),
    ],
)
def test_what_cannot_be_predicted_is_said(arguments: list[str], says: str) -> None:
    found = call(*arguments, "-r", str(REPORTED))
    assert found.exit_code == 2
    assert says in found.stderr


@pytest.mark.parametrize("rule", Rule, ids=str)
def test_every_rule_has_a_sentence(rule: Rule) -> None:
    items = (Item(model="m8", parameters=8 * B, before_s=0.2, after_s=0.1),)
    reason = Reason(rule=rule, ratio=estimate(1.2, 1.1, 1.3), models=items, sizes=(4e9, 9e9))
    told = decided.sentence(reason, reported())
    assert told.endswith(".")
    assert "{" not in told
    assert "–" not in told
    assert len(RULES[rule].when) <= 80


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit.line(10), "10 tok/s"),
        (tasks.task("reading").limit, "5.29 tok/s"),
        (Limit(what=What.TTFT, seconds=2), "first token in 2.0 s"),
        (tasks.task("agent").limit, "2,000 tokens in 60 s"),
    ],
)
def test_limits_have_names(limit: Limit, text: str) -> None:
    assert decided.limit_text(limit) == text


@pytest.mark.parametrize(("ratio", "told"), [(1.3, "1.30×"), (9999.0, "9999.00×"), (12345.0, "1.2e+04×")])
def test_an_absurd_ratio_is_told_in_few_signs(ratio: float, told: str) -> None:
    reason = Reason(rule=Rule.CANNOT_TELL, ratio=estimate(ratio, 0.5, 2 * ratio))
    assert f"has {told} the" in decided.sentence(reason, reported())
    slow = compared({8.0: 10 / ratio}, {8.0: 10 / ratio})
    page = decided.page(decide(slow), slow)
    assert f"m8 needs {told} its speed" in page.sections[-1].lines[0][1]


def test_many_models_are_counted_and_all_are_all() -> None:
    sizes = {float(size): 30.0 for size in range(1, 9)}
    pair = compared(sizes, sizes)
    items = tuple(Item(model=row.pair.model, parameters=None) for row in pair.rows)
    assert "(all)" in decided.sentence(Reason(rule=Rule.FEW_TRIALS, models=items), pair)
    assert "m1, m2" in decided.sentence(Reason(rule=Rule.GAINS_MODEL, models=items), pair), "each has its speed"
    seven = decided.sentence(Reason(rule=Rule.FEW_TRIALS, models=items[:7]), pair)
    assert "(m1, m2, m3, m4 and 3 more)" in seven


def test_names_from_files_cannot_steer_a_terminal() -> None:
    pair = reported()
    items = (Item(model="a\x1b[31mb", parameters=None),)
    assert "\x1b" not in decided.sentence(Reason(rule=Rule.LOW_GRADE, models=items), pair)


def test_what_is_not_known_is_a_dash_and_no_section() -> None:
    pair = compared({1.0: 20.0}, {1.0: 21.0})
    page = decided.page(decide(pair), pair, costs=costs(pair, Prices()), prices=Prices())
    assert [section.title.split(" (")[0] for section in page.sections] == ["Why", "Doubts", "Largest usable model"]
    lines = dict(costed.cost_lines(costs(pair, Prices(price=10)), Prices(price=10)))
    assert lines["per gained 1B"] == "– (the gain is not known)"
    lost = compared({1.0: 40.0}, {1.0: 30.0}, cross=(20, 10))
    lines = dict(costed.cost_lines(costs(lost, Prices(price=10)), Prices(price=10)))
    assert lines["per gained 1B"] == "– (nothing gained)"


def test_a_claim_of_one_figure_has_one() -> None:
    assert costed.claim_title(Claim(low=0.2, high=0.2)) == "Claim: 20% faster"


def test_help_names_every_task() -> None:
    text = call("--help").stdout
    assert [task.name for task in tasks.TASKS if task.name not in text] == []
