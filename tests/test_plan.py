from pathlib import Path

import pytest

from tpsprofile import plan as plans
from tpsprofile.engines import registry
from tpsprofile.errors import PlanError, UsageError
from tpsprofile.models import catalogue


@pytest.mark.parametrize("name", plans.names())
def test_every_shipped_plan_names_an_engine_and_models_that_exist(name: str) -> None:
    plan = plans.load(name)
    assert plan.name == name
    assert plan.about
    assert plan.engine in registry.names()
    assert all(catalogue.find(model) for model in plan.models)


def test_what_the_shipped_plans_promise() -> None:
    assert set(plans.names()) == {"quick", "laptop", "synthetic"}
    quick = plans.load("quick")
    assert (quick.tokens_out, quick.budget, quick.engine) == (64, 300, "llama.cpp")
    assert plans.load("laptop").engine == "ollama"
    assert plans.load("synthetic").models[-1] == "qwen2.5:72b"


def test_defaults_are_the_fixed_workload() -> None:
    plan = plans.parse("models: [a]", name="x")
    assert (plan.tokens_out, plan.context_tokens, plan.temperature) == (256, 4096, 0.0)
    assert (plan.line, plan.prompt) == (10.0, "csvs-to-sqlite")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modles: [a]", r"no key 'modles'. Did you mean 'models'\?"),
        ("models: a", "models: expected `array`"),
        ("models: [1]", "models"),
        ("models: []", "models: there is none"),
        ("tokens_out: 3", "lacks the key `models`"),
        ("models: [a]\ntrials: many", "trials: expected `int`"),
        ("models: [a]\ntrials: 0", "trials: 0 is too small"),
        ("models: [a]\nbudget: soon", "budget: 'soon' is not a duration"),
        ("models: [a]\ntokens_out: 4096\ncontext_tokens: 4096", "do not fit in 4096"),
        ("models: [a]\ncontext_tokens: 1000", "no multiple of 256"),
        ("models: [a]\nline: .inf", "line: inf"),
        ("models: [a]\nline: 0", "line: 0"),
        ("models: [a]\nprecision: 2", "precision: 2 is 200%"),
        ("models: [a]\nsilence: 0", "silence: 0"),
        ("models: [a]\ndepth: [-1]", "depth: at least one number"),
        ("models: [a]\norder: random", "there is no order 'random'"),
        ("models: [a]\nprompt: haiku", "prompt: there is no prompt 'haiku'"),
        ("models: [a", "line 1"),
        ("just words", "not a list of keys"),
        ("", "not a list of keys"),
        ("models: !!python/object/apply:os.getcwd []", "line 1"),
        ("models: [a]\nline: .nan", "line: nan"),
    ],
)
def test_a_bad_plan_gets_one_line_that_names_the_key(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words) as caught:
        plans.parse(text, name="x", where="my.yaml")
    assert str(caught.value).startswith("my.yaml")
    assert "\n" not in str(caught.value)


def test_a_mistyped_name_gets_the_right_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'quick'"):
        plans.load("quik")


def test_a_file_is_a_plan_as_well(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("models: [a, b]\nbudget: 90s\n")
    plan = plans.load(str(path))
    assert (plan.name, plan.models, plan.budget) == ("mine", ("a", "b"), 90)
    with pytest.raises(PlanError, match="cannot be read"):
        plans.load(str(tmp_path / "gone.yaml"))


def test_options_override() -> None:
    plan = plans.override(plans.load("quick"), line=20.0, models=("x",), engine=None)
    assert (plan.line, plan.models, plan.engine, plan.trials) == (20.0, ("x",), "llama.cpp", 3)
    with pytest.raises(PlanError, match="line"):
        plans.override(plan, line=-1.0)


def test_a_plan_without_a_context_gets_one_that_its_cases_fit_in() -> None:
    plan = plans.parse("models: [a]\ndepth: [0, 4096, 16384]", name="x")
    assert plan.context_tokens == 16896
    assert plans.override(plan, depth=(0,)).context_tokens == 16896
    assert plans.override(plans.parse("models: [a]", name="x"), prompt_tokens=(8000,)).context_tokens == 8448


def test_sustained_work_is_not_cut_by_the_plans_budget() -> None:
    quick = plans.load("quick")
    assert plans.override(quick, sustain=600.0).budget is None
    with pytest.raises(PlanError, match="do not fit in a budget"):
        plans.override(quick, sustain=600.0, budget=60.0)
    with pytest.raises(PlanError, match="in rounds"):
        plans.override(quick, sustain=600.0, order="rounds")


def test_no_time_at_all_means_no_limit() -> None:
    plan = plans.parse("models: [a]\nbudget: 0\ncase_budget: 0\nsustain: 0\ncooldown: 0", name="x")
    assert (plan.budget, plan.case_budget, plan.sustain, plan.cooldown) == (None, None, None, 0)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "KEY2", "my_key", "_K"])
def test_the_key_is_named_by_its_variable(name: str) -> None:
    assert plans.parse(f"models: [a]\nkey_env: {name}", name="x").key_env == name


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcDEF123",
        "gsk_abcdefghijkl",
        "hf_abcdefghijklmnop",
        "AKIAIOSFODNNEXAMPLEX",
        "A1B2C3D4E5F6",
        "tok_0a1b2c3d4e5f",
        "Secret_Word",
        "two words",
        "",
        "NAME=secret",
        "$NAME",
    ],
)
def test_a_key_in_place_of_its_variable_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(PlanError, match="no name of an environment variable") as caught:
        plans.override(plans.load("quick"), key_env=key)
    assert not key or key not in str(caught.value)
