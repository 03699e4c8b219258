"""The configuration: what it accepts, what it refuses and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.experiments import SINUSOID, experiment
from workbench import runs
from workbench.config import AlgorithmConfig, ConfigError, TaskConfig, admitted, load, parse
from workbench.errors import DataError
from workbench.project import Project
from workbench.runs import SAMPLES, expand, load_experiment
from workbench.settings import fields_of
from workbench.words import visible

STORED = ["format=1", "training.compile=false"]
MAML = SINUSOID + '[[algorithm]]\nkind = "maml"\n'


def _complaint(text: str = MAML, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, overrides, source="e.toml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_designs_sinusoid_example_is_read() -> None:
    example = parse("""
name = "Sinusoid"
[task]
family = "sinusoid"          # or glyphs, digits, images, text …
shots = 10
queries = 10
[network]
kind = "mlp"
hidden = [40, 40]
[[algorithm]]                # one run per algorithm and seed
kind = "maml"
inner_lr = 0.01
inner_steps = 1
[training]
iterations = 15000
meta_batch = 25
meta_lr = 1e-3
seeds = [0]
device = "auto"              # auto, cpu, cuda, cuda:1, mps
[evaluation]
episodes = 600
inner_steps = 10
every = 500
""")
    assert example.training.iterations == 15000
    assert example.network.model_dump()["hidden"] == (40, 40)
    assert example.algorithm[0].model_dump()["inner_lr"] == 0.01


@given(
    iterations=st.integers(1, 10**6),
    meta_lr=st.floats(1e-8, 100, exclude_min=True),
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True),
    clamp=st.none() | st.floats(1e-6, 1e6),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    kind=st.sampled_from(["maml", "reptile", "scratch", "transfer"]),
)
def test_saving_and_loading_is_the_identity(
    iterations: int, meta_lr: float, seeds: list[int], clamp: float | None, name: str, kind: str
) -> None:
    table = experiment(kind).as_table()
    table["name"] = name
    table["training"] |= {"iterations": iterations, "meta_lr": meta_lr, "seeds": seeds}
    if clamp is not None:
        table["training"]["gradient_clamp"] = clamp
    first = type(experiment()).from_table(table)
    again = parse(first.to_toml())
    assert again == first
    assert again.to_toml() == first.to_toml()
    assert again.hash() == first.hash()


def test_a_default_that_depends_on_the_problem_is_filled_in() -> None:
    assert experiment("maml").algorithm[0].model_dump()["inner_lr"] == 0.01
    digits = parse('[task]\nfamily = "digits"\n[[algorithm]]\nkind = "maml"\n')
    assert digits.algorithm[0].model_dump()["inner_lr"] == 0.4


def test_the_hash_tells_settings_apart_but_not_names() -> None:
    assert experiment("maml", "name='other'").hash() == experiment("maml").hash()
    assert experiment("maml", "training.meta_lr=0.002").hash() != experiment("maml").hash()


def test_a_final_objective_is_as_good_as_none() -> None:
    assert experiment("maml", 'training.objective="final"').hash() == experiment("maml").hash()
    with pytest.raises(ConfigError, match="step_cost: means nothing without objective"):
        experiment("maml", "training.step_cost=0.1")
    anytime = experiment("maml", "training.objective=anytime", "training.step_cost=0.1")
    assert parse(anytime.to_toml()).training.cost_of_a_step == 0.1


def test_overrides_reach_every_section() -> None:
    changed = parse(
        MAML,
        [
            "training.iterations=7",
            "algorithm.0.inner_lr=0.5",
            "algorithm[0].inner_steps=2",
            "name=plain words",
        ],
    )
    assert changed.training.iterations == 7
    assert changed.algorithm[0].model_dump()["inner_lr"] == 0.5
    assert changed.algorithm[0].model_dump()["inner_steps"] == 2
    assert changed.name == "plain words"


@pytest.mark.parametrize(
    ("name", "stored", "digest"),
    [
        ("reptile", [], "1e9aebf776be64721c31ee7d9c75d5958ffdcdf244b548d8bbab08e96d31ef8b"),
        (
            "task_replay",
            ["base.kind='reptile'"],
            "c327e11e4793f383ccbcfb8f6a023b8a6b279528819e0d91e2b534924129b6a8",
        ),
        ("imaml", [], "a12b648b8ebfc34325ac16cb1ff6e50ffb0dc12bcf7719326201c4c3a26d6f81"),
        ("scratch", ["inner_lr=0.01"], "f0c840eefec2e06d479507d9fa063673dfc81890468d69707991aa9c4bf673f5"),
        ("la_maml", [], "1e6bc0be1872b7b0c2741fe6da2751277b4a08d3e5fae0f13ca3e89fec456141"),
        ("fusion", ["strength=1.0"], "8a05b699978d91095ff02dede85e626a54756f45fd4f263650480326f7048e42"),
        ("mer", [], "63f72a2170ba5783577f94f1745d14f0c2c217d59965bd0eecc41c3b75a77d81"),
    ],
)
def test_a_stored_algorithm_keeps_its_hash_whatever_settings_it_has_since(
    name: str, stored: list[str], digest: str
) -> None:
    assert experiment(name, *STORED, *(f"algorithm.0.{each}" for each in stored)).hash() == digest


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        (
            "algorithm.0.inner_lr='fast'",
            "algorithm[0].inner_lr",
            "'fast' is not a number; allowed: a number > 0",
        ),
        ("algorithm.0.inner_lr=-1", "algorithm[0].inner_lr", "-1 is out of range; allowed: a number > 0"),
        ("algorithm.0.inner_lr=nan", "algorithm[0].inner_lr", "a number > 0"),
        ("algorithm.0.inner_step=1", "algorithm[0].inner_step", "did you mean 'inner_steps'?"),
        (
            "algorithm.0.kind='mamml'",
            "algorithm[0].kind",
            "'mamml' is not known; allowed: adml, adversarial_querying, agglomerative, al",
        ),
        (
            "algorithm.0.kind='protonet'",
            "algorithm[0].kind",
            "needs classes, which family 'sinusoid' (regression) does not give; allowed here: al",
        ),
        ("algorithm.0.train_ways=5", "algorithm[0].train_ways", "one output a class; leave it out"),
        ("algorithm=[]", "algorithm", "at least 1"),
        ("training.iterations=0", "training.iterations", "0 is out of range; allowed: a whole number ≥ 1"),
        ("training.iterations=1.5", "training.iterations", "not a whole number"),
        ("training.iterations=true", "training.iterations", "not a whole number"),
        ("training.device='gpu'", "training.device", "allowed: auto, cpu, cuda, cuda:1 or mps"),
        ("training.threads='many'", "training.threads", "'auto'"),
        ("training.seeds=[0, 0]", "training.seeds", "once"),
        ("training.seeds=[]", "training.seeds", "at least 1"),
        ("training=3", "training", "not a table"),
        (
            "task.family='sinus'",
            "task.family",
            f"'sinus' is not known; allowed: {', '.join(sorted(TaskConfig.kinds))}",
        ),
        ("task.amplitude=[5, 1]", "task.amplitude", "[smallest, largest]"),
        ("network.hidden=[40, 0]", "network.hidden[1]", "0 is out of range"),
        ("network.width=3", "network.width", "unknown key"),
        ("nonsense=1", "nonsense", "unknown key"),
    ],
)
def test_a_bad_value_is_refused_with_its_path_and_what_is_allowed(
    override: str, path: str, words: str
) -> None:
    message = _complaint(MAML, override)
    assert message.startswith(f"e.toml: {path}: ")
    assert words in message


ONLY_WHERE_IT_MEANS_SOMETHING = [
    (
        "scratch",
        "algorithm.0.iterations=5",
        "algorithm[0].iterations",
        "'scratch' is not trained; leave it out",
    ),
    ("scratch", "algorithm.0.meta_rate=5", "algorithm[0].meta_rate", "unknown key; allowed: label, inner_lr"),
    ("r2d2", "algorithm.0.train_ways=5", "algorithm[0].train_ways", "needs classes, which family 'sinusoid'"),
    ("fusion", "algorithm.0.train_ways=5", "algorithm[0].train_ways", "'maml' has one output a class"),
    ("maml", "evaluation.attack='pgd'", "evaluation.attack", "needs bounds and classes, which family"),
    ("fusion", "algorithm.0.base={kind='maml', iterations=5}", "algorithm[0].base.iterations", "move it up"),
    ("fusion", "algorithm.0.base={kind='protonet'}", "algorithm[0].base.kind", "'protonet' needs classes"),
]


@pytest.mark.parametrize(("kind", "override", "path", "words"), ONLY_WHERE_IT_MEANS_SOMETHING)
def test_a_setting_that_means_nothing_is_refused_with_why(
    tmp_path: Path, kind: str, override: str, path: str, words: str
) -> None:
    file = tmp_path / "e.toml"
    file.write_text(MAML.replace("maml", kind), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, [override])
    assert str(caught.value).startswith(f"{file}: {path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stored_experiment_may_say_what_once_could_be_said_and_keeps_its_hash() -> None:
    once = ["training.compile=false", "algorithm.0.iterations=5", "algorithm.0.meta_lr=0.5"]
    stored = parse(experiment("scratch", "format=1", "algorithm.0.inner_lr=0.01").to_toml(), once)
    # as it was when every algorithm had these
    assert stored.hash() == "f2033f8fb497f12d8832c4356640ee6a4f7a3b0920e23be7409caa7f2daa4c81"
    assert parse(stored.to_toml()) == stored
    assert stored.algorithm[0].schedule(stored.training).iterations == 0
    with pytest.raises(
        ConfigError, match=r"algorithm\[0\].iterations: 'scratch' is not trained; leave it out"
    ):
        admitted(stored)


def test_a_training_too_short_for_its_segments_is_refused() -> None:
    words = "must be at least 5, the segments of [task.drift]"
    short = _complaint(MAML, "task.drift.segments=5", "training.iterations=4")
    assert short == f"e.toml: training.iterations: {words}"
    own = _complaint(MAML, "task.drift.segments=5", "algorithm.0.iterations=4")
    assert own == f"e.toml: algorithm[0].iterations: {words}"


def test_what_is_not_trained_has_no_segments_to_be_trained_on() -> None:
    bandits = 'task = { family = "bandits", drift = { segments = 3 } }\nalgorithm = [{ kind = "oracle" }]\n'
    experiment = parse(f'name = "drifting"\n{bandits}training.iterations = 3')
    assert experiment.algorithm[0].schedule(experiment.training).iterations == 0


def test_every_problem_is_named_at_once() -> None:
    message = _complaint(MAML, "training.iterations=0", "algorithm.0.inner_lr='fast'")
    assert "training.iterations" in message
    assert "algorithm[0].inner_lr" in message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.iterations", "looks like training.iterations=100"),
        ("algorithm.5.inner_lr=1", "'5' is no index here; allowed: 0 to 0"),
        ("name.first='x'", "no table"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match="--set") as caught:
        parse(MAML, [override])
    assert words in str(caught.value)


def test_what_is_no_toml_and_no_file_is_refused_in_one_line(tmp_path: Path) -> None:
    assert "not valid TOML" in _complaint("name = ")
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "missing.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(binary)


def test_a_data_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text(
        '[task]\nfamily = "images"\npath = "my data.zip"\n[[algorithm]]\nkind = "maml"\n', "utf-8"
    )
    assert load(file).task.model_dump()["path"] == str(tmp_path / "my data.zip")


def test_an_experiment_yields_a_run_for_each_algorithm_and_seed() -> None:
    quickstart = load_experiment("quickstart", ("training.seeds=[3, 4]",))
    yielded = expand(quickstart)
    assert [run.seed for run in yielded] == [3, 4] * len(quickstart.algorithm)
    assert len({run.hash for run in yielded}) == len(yielded) == 2 * len(quickstart.algorithm)


@pytest.mark.parametrize("family", sorted(TaskConfig.kinds))
def test_a_family_and_a_learner_alone_are_an_experiment_that_suits_the_family(family: str) -> None:
    needs_data = "path" in TaskConfig.kinds[family].model_fields and family not in ("text", "grouping")
    own = 'path = "x"\n' if needs_data else ""
    suited, gives = TaskConfig.kinds[family].suits, TaskConfig.kinds[family].gives()
    learner = "maml" if "gradient" in gives else "rl2"
    alone = f'[task]\nfamily = "{family}"\n{own}[[algorithm]]\nkind = "{learner}"\n'
    asked = parse(alone)
    assert asked.training == suited.training
    assert asked.evaluation == suited.evaluation
    assert parse(asked.to_toml()) == asked
    assert parse(alone, ["training.iterations=7"]).training == suited.training.model_copy(
        update={"iterations": 7}
    )


@pytest.mark.parametrize("family", sorted(TaskConfig.kinds))
def test_what_a_family_says_of_learners_is_of_settings_that_they_have(family: str) -> None:
    kind = TaskConfig.kinds[family]
    able = [each for each in AlgorithmConfig.kinds.values() if each.needs <= kind.gives()]
    for name in kind.suits.learners:
        fields = [fields_of(each)[name] for each in able if name in fields_of(each)]
        assert fields, f"no learner has {name}"
    for each in able:  # what one name means to two learners is the same, or it is refused here
        if not any(field.required for field in fields_of(each).values()):
            assert each().suited(kind.gives(), kind.suits.learners)


OPPONENTS = '[task]\nfamily = "opponents"\n[[algorithm]]\nkind = "rl2"\n'


def test_a_family_brings_values_of_learners_settings_that_are_stored_like_any_other() -> None:
    own = TaskConfig.kinds["opponents"].suits.learners
    asked = parse(OPPONENTS)
    told = asked.algorithm[0].model_dump()
    assert told.items() >= own.items()
    assert own["trace"] != AlgorithmConfig.kinds["rl2"].model_fields["trace"].default
    assert (
        asked.hash() == parse(OPPONENTS + "\n".join(f"{name} = {each}" for name, each in own.items())).hash()
    )
    assert asked.as_table()["algorithm"][0].items() >= own.items()


def test_what_is_said_of_a_learner_or_was_stored_of_it_stays_whatever_suits_the_family(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = AlgorithmConfig.kinds["rl2"].model_fields["trace"].default
    said = parse(OPPONENTS + f"trace = {usual}\n")
    assert said.algorithm[0].model_dump()["trace"] == usual
    assert parse(said.to_toml()) == said
    stored, kind = parse(OPPONENTS), TaskConfig.kinds["opponents"]
    monkeypatch.setattr(kind, "suits", kind.suits._replace(learners={"trace": 0.5, "discount": 0.5}))
    assert parse(OPPONENTS).algorithm[0].model_dump()["trace"] == 0.5
    assert parse(stored.to_toml()).hash() == stored.hash()


def test_a_learners_empty_field_is_filled_as_suits_the_family_since_it_could_not_be_stored() -> None:
    learner, own = AlgorithmConfig.kinds["recurrent"], TaskConfig.kinds["driving"].suits.learners
    said = learner.model_validate({"train_queries": None, "train_shots": 3})
    told = said.suited(TaskConfig.kinds["driving"].gives(), own).model_dump()
    assert (told["train_queries"], told["train_shots"]) == (own["train_queries"], 3)


def test_a_recurrent_policy_has_fast_weights_where_what_is_seen_is_a_state() -> None:
    table, arms = (
        parse(f'[task]\nfamily = "{family}"\n[[algorithm]]\nkind = "rl2"\n')
        for family in ("tabular_mdp", "bandits")
    )
    assert [each.algorithm[0].model_dump()["memory"] for each in (table, arms)] == ["fast_weights", "gru"]


def test_what_suits_a_family_suits_the_base_of_a_wrapper_too() -> None:
    wrapper = AlgorithmConfig.resolve({"kind": "fusion", "base": {"kind": "maml", "inner_steps": 3}})
    base = wrapper.suited(frozenset({"gradient"}), {"inner_steps": 7, "inner_lr": 0.2}).model_dump()["base"]
    assert (base["inner_steps"], base["inner_lr"]) == (3, 0.2)


def test_letters_are_trained_for_a_shorter_time_than_sine_waves() -> None:
    letters, waves = (TaskConfig.kinds[each].suits.training for each in ("glyphs", "sinusoid"))
    assert letters.iterations * letters.meta_batch < waves.iterations * waves.meta_batch


def test_all_stands_for_every_algorithm_that_fits_and_each_may_be_changed() -> None:
    every = parse('algorithm = "all"\n' + SINUSOID, ["algorithm.0.inner_lr=0.5"])
    kinds, gives = AlgorithmConfig.kinds.items(), every.task.gives()
    assert [each.name for each in every.algorithm] == sorted(name for name, it in kinds if it.needs <= gives)
    assert "protonet" not in {each.name for each in every.algorithm}
    assert every.algorithm[0].model_dump()["inner_lr"] == 0.5
    assert parse(every.to_toml()) == every


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_an_experiment_whose_runs_could_start(sample: str) -> None:
    asked = load_experiment(sample)
    if asked.training.privacy is not None:
        pytest.importorskip("dp_accounting", reason='needs the extra "privacy"')
    assert len({run.label for run in expand(asked)}) == len(asked.algorithm)
    if getattr(asked.task, "dataset", None) is None:
        runs.check(asked, runs.open_family(asked))
        return
    with pytest.raises(DataError, match="workbench data omniglot"):  # how to get what it names
        runs.open_family(asked)


NAMED = ("name", "algorithm.0.label")
UNFIT = [
    (
        "first\\u0007",
        "'first␇' holds U+0007 (letter 6); allowed: up to 200 letters that can be seen, on ",
    ),
    ("\\u001b[31mred", "'␛[31mred' holds U+001B (letter 1)"),
    ("third\\nline", "'third␊line' holds U+000A (letter 6)"),
    ("a\\u202eb", "holds U+202E"),
    ("a\\u200b", "holds U+200B"),
    ("x" * 201, "has 201 letters; allowed: up to 200"),
]


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.parametrize(("name", "words"), UNFIT)
def test_a_new_name_that_cannot_be_shown_is_refused_in_one_line(
    tmp_path: Path, key: str, name: str, words: str
) -> None:
    path = tmp_path / "e.toml"
    path.write_text(MAML, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, (f'{key}="{name}"',))
    where = key.replace(".0", "[0]")
    assert str(caught.value).startswith(f"{path}: {where}: ")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    with pytest.raises(ConfigError, match=r"holds U|has 201"):
        load_experiment("quickstart", (f'{key}="{name}"',))


def test_the_name_of_a_data_set_is_a_name_too(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    digits = '[task]\nfamily = "images"\ndataset = "a\\u0007"\n[[algorithm]]\nkind = "maml"\n'
    path.write_text(digits, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"task\.dataset: 'a␇' holds U\+0007"):
        load(path)


@given(st.text(min_size=1, max_size=60))
def test_a_name_is_refused_or_stands_on_one_line_as_it_is(name: str) -> None:
    asked = parse(MAML).model_copy(update={"name": name})
    if visible(name) == name:
        assert admitted(asked).name == name
        assert len(name.splitlines()) == 1
        return
    with pytest.raises(ConfigError) as caught:
        admitted(asked)
    assert visible(str(caught.value)) == str(caught.value)


def test_letters_of_every_script_can_be_a_name() -> None:
    for name in (
        "α₂ = 0.01",
        "日本語",
        "می\u200cخواهم",
        "👩\u200d🔬 🏳️",
        "é",
        "nbsp\u00a0here",
        "a\U0001fae8b",
        "<b>&",
    ):
        admitted(parse(MAML).model_copy(update={"name": name}))


def test_a_stored_experiment_keeps_its_name_its_hash_and_goes_on(tmp_path: Path) -> None:
    label = 'label = "second\\u001b[31m"\n'
    # what is stored names every field, those with another default today too
    stored = parse(
        MAML.replace("small sinusoid", "old\\u0007") + label, ["format=1", "training.compile=false"]
    )
    assert stored.name == "old\x07"
    # as it was before names were looked at
    before = "775d74aa4673ec9a43fbc52708cfcfefae814ec43feac0832b9101d8d54531b2"
    assert stored.hash() == before
    family = runs.open_family(stored)
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, stored, family)
        assert runs.of_record(project, project.run(run)).hash == before
        assert runs.perform(project, run, family, runs.Control(), lambda *_: None) == "finished"


@pytest.mark.parametrize("path", ["C:\\data", "C:\\Users\\me", "C:\\new"])
def test_a_path_with_backslashes_is_refused_with_what_would_be_right(tmp_path: Path, path: str) -> None:
    file = tmp_path / "e.toml"
    text = f'[task]\nfamily = "images"\npath = "{path}"\n[[algorithm]]\nkind = "maml"\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert "a backslash begins a special letter: write a path as 'C:\\data', or with /" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_value_of_any_length_is_complained_about_in_a_line_that_can_be_read() -> None:
    assert len(_complaint(MAML, f'training.iterations="{"x" * 50_000}"')) < 300
    assert "has 50,000 letters; allowed: up to 200" in _complaint(MAML, f'name="{"x" * 50_000}"')
