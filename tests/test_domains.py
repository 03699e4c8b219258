"""Other domains in test: what may be one, what is measured there, and what that leaves as it was."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from workbench import runs
from workbench.analysis import domains
from workbench.analysis.comparison import episodes
from workbench.analysis.source import ProjectSource
from workbench.config import ConfigError, Experiment, load, parse
from workbench.engine.intervals import difference_interval
from workbench.errors import InputError
from workbench.project import Project
from workbench.project.records import of_domain
from workbench.runs import Control
from workbench.tasks.digits import Digits, DigitsConfig
from workbench.tasks.fitted import BRIGHTNESS, Fitted

Call = Callable[..., tuple[int, str, str]]

DIGITS = """
name = "small digits"
[task]
family = "digits"
queries = 4
{domains}
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 2
compile = false
[evaluation]
episodes = 12
validation_episodes = 2
inner_steps = 2
every = 2
"""
LEARNERS = """
[[algorithm]]
kind = "maml"
[[algorithm]]
kind = "nearest_neighbour"
"""


def domain(name: str, **settings: object) -> str:
    said = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[[task.domain]]\nname = "{name}"\n{said}'


def digits(*said: str, learners: str = LEARNERS, **overrides: object) -> Experiment:
    text = DIGITS.format(domains="\n".join(said)) + learners
    return parse(text, [f"{key}={json.dumps(value)}" for key, value in overrides.items()])


def pictures(path: Path, side: int = 12, seed: int = 0) -> str:
    """Eight classes of six pictures in folders, each class a bright square in a place of its own."""
    chance = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as held:
        for label in range(8):
            top, left = divmod(label, 4)
            for number in range(6):
                pixels = chance.integers(0, 60, (side, side), dtype=np.uint8)
                pixels[2 + 4 * top : 5 + 4 * top, 2 * left : 2 * left + 3] = 255
                content = io.BytesIO()
                Image.fromarray(pixels).save(content, "png")
                held.writestr(f"class {label}/{number}.png", content.getvalue())
    return str(path)


def done(path: Path, experiment: Experiment) -> Path:
    """A project in which all runs of an experiment are finished."""
    family = runs.open_family(experiment)
    runs.check(experiment, family)
    with Project.create(path) as project:
        for run in runs.add(project, experiment, family):
            assert runs.perform(project, run, family, Control(), lambda *_: None) == "finished"
    return path


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("domains")
    squares = domain("squares", family="images", path=pictures(folder / "squares-pictures.zip"), ways=3)
    return done(folder / "p.mlwb", digits(domain("five shots", shots=5), squares, learners=PLAIN))


PLAIN = """
[[algorithm]]
kind = "protonet"
[[algorithm]]
kind = "nearest_neighbour"
"""


# --- what may be a domain ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        (domain("d", shotz=5), "task.domain[0].shotz", "did you mean 'shots'"),
        (domain("d", ways=50), "task.domain[0].ways", "out of range"),
        (domain("d"), "task.domain[0]", "is as [task] is; say what differs"),
        (domain("home", shots=5), "task.domain[0].name", "is what [task] itself is called"),
        (domain("a/b", shots=5), "task.domain[0].name", "without /"),
        (domain("d", shots=5) + domain("d", shots=6), "task.domain[1].name", "names two domains"),
        (domain("d", family="sinusoid"), "task.domain[0].family", "(regression) gives other tasks"),
        (domain("d", family="text"), "task.domain[0].family", "allowed: digits, glyphs, images"),
        (domain("d", family="letters"), "task.domain[0].family", "is not known; allowed: digits"),
        (domain("d", shots=5, drift=2), "task.domain[0].drift", "no meaning"),
        (domain("d", shots=5, fit="crop"), "task.domain[0].fit", "allowed: 'resize' or 'pad'"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_domain_is_refused_at_its_place(said: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        digits(said)
    assert [each.path for each in error.value.complaints] == [place]
    assert words in str(error.value)


def test_what_is_not_said_is_as_in_the_task() -> None:
    e = digits(domain("more", shots=5), domain("pictures", path="p.zip"), **{"task.ways": 3})
    (same, other) = e.task.domain or ()
    config = e.task.of_domain(same)
    assert (config.name, config.episode_size) == ("digits", (3, 5, 4))
    config = e.task.of_domain(other)
    assert (config.name, config.episode_size) == ("images", (3, 1, 4))  # the only family with a path
    assert e.task.is_another_source(other)
    assert not e.task.is_another_source(same)


def test_an_experiment_without_domains_is_what_it_was_and_one_with_them_is_read_back() -> None:
    assert "domain" not in digits().as_table()["task"]
    e = digits(domain("pictures", dataset="none", ways=3), domain("more", shots=5))
    again = parse(e.to_toml())
    assert again == e
    assert again.hash() == e.hash() != digits().hash()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"family": "images", "ways": 3}, "'maml' has one output for each of 2 classes; use at most 2 ways"),
        ({"family": "images", "queries": 9}, "has 6 examples, but 1 shots + 9 queries need 10"),
        ({"family": "images", "fit": "pad"}, 'cannot be padded to 8 × 8; use fit = "resize"'),
    ],
)
def test_what_does_not_fit_is_told_before_anything_runs(
    tmp_path: Path, made: dict[str, Any], words: str
) -> None:
    said = domain("squares", path=pictures(tmp_path / "squares-pictures.zip"), size=12, **made)
    e = digits(said)
    with pytest.raises(InputError, match=r"^\[\[task.domain\]\] 'squares': ") as error:
        runs.check(e, runs.open_family(e))
    assert words in str(error.value)


def test_numbers_of_another_length_or_meaning_are_refused() -> None:
    bandits = '[task]\nfamily = "bandits"\narms = 3\n' + domain("more", arms=4)
    e = parse(bandits + '[[algorithm]]\nkind = "random"\n')
    with pytest.raises(InputError, match="'more': its actions are others than those of"):
        runs.open_family(e)
    words = '[task]\nfamily = "languages"\n' + domain("large", words="large")
    e = parse(words + '[[algorithm]]\nkind = "dictionary"\n')
    with pytest.raises(InputError, match="'large': its words are others than those of"):
        runs.open_family(e)


def test_a_refusal_is_one_line_of_the_command(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(  # its path is relative to the file
        DIGITS.format(domains=domain("squares", path=pictures(tmp_path / "s-pictures.zip"), ways=3))
        + LEARNERS
    )
    code, _, said = call("run", path, "--dry-run")
    assert code == 2
    assert said.strip().count("\n") == 0
    assert "[[task.domain]] 'squares': 3 ways, but 'maml'" in said


def test_a_path_is_relative_to_the_file_that_says_it(tmp_path: Path) -> None:
    pictures(tmp_path / "squares.zip")
    (tmp_path / "e.toml").write_text(DIGITS.format(domains=domain("s", path="squares.zip")) + LEARNERS)
    (found,) = load(tmp_path / "e.toml").task.domain or ()
    assert found.settings["path"] == str(tmp_path / "squares.zip")


# --- inputs that are brought together -------------------------------------------------------------------


def test_pictures_are_resized_padded_and_get_the_channels_of_the_task() -> None:
    family = Digits(DigitsConfig())
    x = torch.rand(2, 3, 1, 8, 8)
    padded = Fitted(family, (1, 12, 11), "pad").fitted(x)
    assert padded.shape == (2, 3, 1, 12, 11)
    torch.testing.assert_close(padded[..., 2:10, 1:9], x)
    assert padded.sum() == pytest.approx(float(x.sum()), rel=1e-5)
    colour = Fitted(family, (3, 4, 4), "resize")
    smaller = colour.fitted(x)
    assert smaller.shape == (2, 3, 3, 4, 4)
    torch.testing.assert_close(smaller.mean((-1, -2)), x.mean((-1, -2)).expand(-1, -1, 3), atol=0.02, rtol=0)
    assert colour.done == ["resized from 8 × 8 to 4 × 4 pixels", "grey in three equal channels"]
    grey = Fitted(family, (1, 8, 8), "resize")
    rgb = torch.rand(5, 3, 8, 8)
    weights = torch.tensor(BRIGHTNESS)[:, None, None]
    torch.testing.assert_close(grey.fitted(rgb), (rgb * weights).sum(1, keepdim=True))


def test_every_class_of_other_data_is_asked_for_and_none_of_the_tasks_own_that_is_trained(
    tested: Path,
) -> None:
    with Project.open(tested, read_only=True) as project:
        found = project.result(1, "test", arrays=False)
        assert found is not None
        told = found.summary["domains"]
        assert told["squares"]["distinct_classes"] == 8
        assert told["squares"]["ways"] == 3
        assert told["five shots"]["distinct_classes"] == 2
        assert told["squares"]["words"].endswith("all classes, resized from 28 × 28 to 8 × 8 pixels")


def test_classes_of_a_domain_are_chosen_by_name_and_none_of_them_is_trained_on(tmp_path: Path) -> None:
    said = domain(
        "some", family="images", path=pictures(tmp_path / "p.zip"), split={"test": ["class 3", "class 5"]}
    )
    e = digits(said.replace('{"test": ', "{test = "))
    again = parse(e.to_toml())
    for each in (e, again):
        (some,) = runs.open_family(each).domains
        assert some.family.check(each.task.episode_size, "test") is None  # type: ignore[func-returns-value]
        assert "classes class 3, class 5" in some.words
        drawn = some.family.sample("test", 20, torch.Generator().manual_seed(0))
        assert len(drawn.support["classes"].unique()) == 2
    trained = runs.open_family(digits()).names_in("train")
    same = domain("same", split=0).replace(
        "split = 0", f'split = {{test = ["{trained[0]}", "{trained[1]}"]}}'
    )
    with pytest.raises(
        InputError, match=r"'same': task\.split: .* would be asked for, but training sees that"
    ):
        runs.open_family(digits(same))


def test_texts_of_a_domain_become_numbers_of_the_tasks_own_words(tmp_path: Path) -> None:
    lines = [f"t{c},alpha{c} common beta{n % 3}" for c in range(9) for n in range(6)]
    (tmp_path / "a.csv").write_text("label,text\n" + "\n".join(lines))
    others = [f"u{c},beta{c % 3} unheard{c} common" for c in range(4) for n in range(6)]
    (tmp_path / "b.csv").write_text("label,text\n" + "\n".join(others))
    text = f"""
[task]
family = "text"
path = {json.dumps(str(tmp_path / "a.csv"))}
ways = 2
queries = 2
features = "words"
length = 3
[network]
kind = "bag"
{domain("others", path=str(tmp_path / "b.csv"))}
[[algorithm]]
kind = "protonet"
"""
    e = parse(text)
    family = runs.open_family(e)
    runs.check(e, family)
    (other,) = family.domains
    assert other.family.shape.vocabulary == family.shape.vocabulary
    known = family.of_texts(["common", "unheard1"])  # type: ignore[attr-defined]
    drawn = other.family.sample("test", 4, torch.Generator().manual_seed(0)).support["x"]
    common, unheard = int(known[0, 0]), int(known[1, 0])
    assert (drawn[..., 2] == common).all()
    assert (drawn[..., 1] == unheard).all()
    with pytest.raises(InputError, match=r"'others': task\.length: 5 would make other numbers"):
        runs.open_family(parse(text.replace('name = "others"', 'name = "others"\nlength = 5')))


# --- what is measured -----------------------------------------------------------------------------------


def arrays(path: Path, split: str = "test") -> dict[str, list[bytes]]:
    with Project.open(path, read_only=True) as project:
        found = [project.result(run.id, split) for run in project.runs()]
        return {
            name: [each.arrays[name].tobytes() for each in found if each is not None]
            for name in ("loss", "accuracy")
        }


def test_home_is_the_same_with_and_without_domains(tested: Path, tmp_path: Path) -> None:
    alone = done(tmp_path / "alone.mlwb", digits(learners=PLAIN))
    assert arrays(alone) == arrays(tested)
    with Project.open(tested, read_only=True) as with_, Project.open(alone, read_only=True) as without:
        for run in (1, 2):
            a, b = (project.result(run, "test", arrays=False) for project in (with_, without))
            assert a is not None
            assert b is not None
            assert a.episodes_hash == b.episodes_hash
            assert "domains" not in b.summary
            assert with_.series(run, "loss")[1].tolist() == without.series(run, "loss")[1].tolist()


def test_each_domain_has_episodes_of_its_own_the_same_for_all_learners(tested: Path, call: Call) -> None:
    code, out, _ = call("show", tested, "--json")
    assert code == 0
    first, second = (run["test"] for run in json.loads(out)["runs"])
    hashes = {name: each["episodes_hash"] for name, each in first["domains"].items()}
    assert hashes == {name: each["episodes_hash"] for name, each in second["domains"].items()}
    assert len({first["episodes_hash"], *hashes.values()}) == 3
    for told in first["domains"].values():
        assert told["episodes"] == 12
        assert told["inner_steps"] == first["inner_steps"]
        assert len(told["measures"]["accuracy"]["mean"]) == len(told["inner_steps"])
        better = first["measures"]["accuracy"]["mean"][-1] - told["measures"]["accuracy"]["mean"][-1]
        assert told["drop"]["accuracy"]["mean"] == pytest.approx(better)
        worse = told["measures"]["loss"]["mean"][-1] - first["measures"]["loss"]["mean"][-1]
        assert told["drop"]["loss"]["mean"] == pytest.approx(worse)


def test_every_task_of_a_domain_is_kept(tested: Path) -> None:
    with Project.open(tested, read_only=True) as project:
        assert project.verify() == []
        for name in ("five shots", "squares"):
            found = project.result(1, of_domain(name))
            assert found is not None
            told = found.summary["measures"]["accuracy"]["mean"]
            assert found.arrays["accuracy"].shape == (len(told), 12)
            np.testing.assert_allclose(found.arrays["accuracy"].mean(1), told, rtol=1e-6)


def test_show_has_a_line_for_each_domain(tested: Path, call: Call) -> None:
    code, out, _ = call("show", tested)
    assert code == 0
    for name in ("five shots", "squares"):
        lines = [line for line in out.splitlines() if f" on {name}: " in line]
        assert len(lines) == 2
        assert all("accuracy" in line and "drop" in line for line in lines)


def test_a_stopped_run_with_domains_goes_on_to_the_same_result(tmp_path: Path) -> None:
    e = digits(domain("five shots", shots=5), learners='[[algorithm]]\nkind = "maml"\n')
    whole = done(tmp_path / "whole.mlwb", e)
    family = runs.open_family(e)
    with Project.create(tmp_path / "stopped.mlwb") as project:
        (run,) = runs.add(project, e, family)
        control = Control()
        assert runs.perform(project, run, family, control, lambda *_: control.stop()) == "stopped"
        fresh = runs.open_family(runs.of_record(project, project.run(run)).experiment)
        assert runs.perform(project, run, fresh, Control(), lambda *_: None) == "finished"
    for split in ("test", of_domain("five shots")):
        assert arrays(tmp_path / "stopped.mlwb", split) == arrays(whole, split)


def test_a_domain_whose_data_changed_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "squares-pictures.zip"
    e = digits(domain("squares", path=pictures(path)))
    family = runs.open_family(e)
    with Project.create(tmp_path / "p.mlwb") as project:
        run = runs.add(project, e, family)[0]
        pictures(path, seed=1)
        with pytest.raises(InputError, match="the data of the domain 'squares' has changed"):
            runs.perform(project, run, runs.open_family(e), Control(), lambda *_: None)
        assert runs.learned  # what was learned may be looked into all the same
        runs.perform(project, run, family, Control(), lambda *_: None)
        assert runs.learned(project, run, runs.open_family(e, domains=False)).iteration == 4


def test_what_a_run_takes_counts_its_domains(tmp_path: Path) -> None:
    alone, more = (
        runs.costs(e, runs.open_family(e), lambda *_: None)[0]
        for e in (digits(), digits(domain("a", shots=5), domain("b", shots=2)))
    )
    room = [each["operations"]["test"] for each in (alone, more)]
    assert room[1] > 2 * room[0]


def test_a_shift_may_be_a_domain_and_is_the_same_tasks(tmp_path: Path) -> None:
    world = """
[task]
family = "driving"
steps = 6
episodes = 2
rollouts = 2
{}
[evaluation]
episodes = 4
validation_episodes = 2
[[algorithm]]
kind = "random"
"""
    found = []
    for said in ('shift = "ice"', domain("icy", shift="ice")):
        path = done(tmp_path / f"{len(found)}.mlwb", parse(world.format(said)))
        with Project.open(path, read_only=True) as project:
            result = project.result(1, "test")
            assert result is not None
            found.append((project, result))
    (_, shifted), (_, domained) = found
    assert shifted.summary["shift"]["episodes_hash"] == domained.summary["domains"]["icy"]["episodes_hash"]  # type: ignore[index]
    assert shifted.summary["shift"]["measures"] == domained.summary["domains"]["icy"]["measures"]  # type: ignore[index]
    assert shifted.episodes_hash == domained.episodes_hash


# --- learners by domain ---------------------------------------------------------------------------------


def by_domain(path: Path) -> domains.Domains:
    with Project.open(path, read_only=True) as project:
        source = ProjectSource(project)
        found = domains.domains(source, episodes(source)[0][0], domains.readers_of(project), "accuracy")
        assert found is not None
        return found


def test_the_numbers_of_the_table_are_those_of_the_tasks(tested: Path, call: Call, tmp_path: Path) -> None:
    out = tmp_path / "d.csv"
    assert call("export", tested, "--what", "domains", "--measure", "accuracy", "-o", out)[0] == 0
    rows = {
        (row["algorithm"], row["domain"]): row
        for row in csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    }
    assert len(rows) == 6
    with Project.open(tested, read_only=True) as project:
        for run in project.runs():
            kept = {}
            for name in ("home", "five shots", "squares"):
                found = project.result(run.id, "test" if name == "home" else of_domain(name))
                assert found is not None
                kept[name] = found.arrays["accuracy"][-1].astype(np.float64)
            for name, values in kept.items():
                row = rows[run.label, name]
                assert float(row["mean"]) == pytest.approx(values.mean())
                if name == "home":
                    assert row["drop"] == ""
                    continue
                mean, half = difference_interval(kept["home"], values)
                assert float(row["drop"]) == pytest.approx(mean)
                assert float(row["drop_ci95"]) == pytest.approx(half)


def test_tests_are_paired_within_a_domain_and_corrected_over_all(tested: Path) -> None:
    found = by_domain(tested)
    assert [each.name for each in found.tried] == ["home", "five shots", "squares"]
    plain = []
    for domain_ in found.tried:
        (claim,) = domain_.statistics.claims
        difference = (claim.first.values - claim.second.values).round(6)
        kept = difference[difference != 0]
        plain.append(float(stats.wilcoxon(kept).pvalue) if len(kept) else 1.0)
    order, corrected, worst = np.argsort(plain), [0.0] * 3, 0.0
    for place, at in enumerate(order):
        worst = corrected[at] = min(1.0, max(worst, plain[at] * (3 - place)))
    assert [each.p_wilcoxon for each in found.claims] == pytest.approx(corrected)


def turned(tmp_path: Path) -> Path:
    """A project whose learners lead in one domain each, clearly."""
    path = done(tmp_path / "t.mlwb", digits(domain("five shots", shots=5), learners=PLAIN))
    with Project.open(path) as project:
        for run in project.runs():
            for split, leads in (("test", run.id == 1), (of_domain("five shots"), run.id == 2)):
                found = project.result(run.id, split)
                assert found is not None
                shape = found.arrays["accuracy"].shape
                ragged = np.linspace(0, 0.1, shape[1]).astype(np.float32)
                values = np.broadcast_to((0.8 if leads else 0.4) + ragged * (1 if leads else -1), shape)
                summary = dict(found.summary)
                mean = {"mean": [float(each.mean()) for each in values], "ci95": [0.01] * shape[0]}
                summary["measures"] = summary["measures"] | {"accuracy": mean}  # type: ignore[operator]
                if split == "test":
                    summary["domains"] = {}
                project.save_result(
                    run.id,
                    split,
                    summary,
                    found.arrays | {"accuracy": values},
                    found.episodes_hash,  # type: ignore[arg-type]
                )
        for run in project.runs():
            home, there = project.result(run.id, "test"), project.result(run.id, of_domain("five shots"))
            assert home is not None
            assert there is not None
            summary = dict(home.summary) | {"domains": {"five shots": there.summary}}
            project.save_result(run.id, "test", summary, home.arrays, home.episodes_hash)  # type: ignore[arg-type]
    return path


def test_it_is_said_plainly_where_the_order_turns_over(tested: Path, tmp_path: Path) -> None:
    found = by_domain(turned(tmp_path))
    first, second = (run.label for run in runs_of(tmp_path / "t.mlwb"))
    assert domains.order(found)[0] == (
        f"The order turns over: {first} leads on digits (home), {second} on five shots."
    )
    assert domains.order(found)[1].startswith(
        f"Of these trained learners, {first} is better than {second} on digits (home), and {second} better"
    )
    assert [each.ranks[first] for each in found.tried] == [1, 2]


def runs_of(path: Path) -> list[Any]:
    with Project.open(path, read_only=True) as project:
        return project.runs()


def test_the_heat_map_has_a_cell_for_each_learner_and_domain(tested: Path) -> None:
    found = by_domain(tested)
    figure = domains.figure(found)
    reached, drops = figure.panels
    assert reached.x_names == ("digits (home)", "five shots", "squares")
    assert drops.x_names == ("five shots", "squares")
    assert reached.row_names == drops.row_names == tuple(found.learners)
    parts = np.array([[shade.part for shade in row] for row in reached.shades])
    means = np.array(
        [[found.reached(learner, each).row.mean for each in found.tried] for learner in found.learners]  # type: ignore[union-attr]
    )
    np.testing.assert_allclose(parts, (means - means.min()) / (means.max() - means.min()))
    assert reached.shades[0][0].text.startswith(f"{100 * means[0, 0]:.1f}\n± ")


@pytest.mark.parametrize("form", ["png", "svg", "pdf", "csv", "json", "markdown", "latex"])
def test_domains_are_written_in_every_format(tested: Path, call: Call, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"d.{form}"
    code, _, said = call("export", tested, "--what", "domains", "--format", form, "-o", out)
    assert code == 0, said
    assert "on home" not in said
    if form in ("csv", "json", "markdown", "latex", "svg"):
        assert "squares" in out.read_text(encoding="utf-8")
    if form in ("csv", "markdown"):
        other = tmp_path / f"s.{form}"
        assert call("export", tested, "--what", "domain_statistics", "--format", form, "-o", other)[0] == 0
        assert other.read_text(encoding="utf-8").count("\nsquares," if form == "csv" else "| squares |") == 1


def test_a_project_without_domains_says_how_to_have_some(call: Call, tmp_path: Path) -> None:
    path = done(tmp_path / "p.mlwb", digits(learners='[[algorithm]]\nkind = "nearest_neighbour"\n'))
    code, _, said = call("export", path, "--what", "domains", "-o", tmp_path / "d.png")
    assert code == 2
    assert "[[task.domain]]" in said


def test_the_report_tells_of_domains(tested: Path, call: Call, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    assert call("export", tested, "--what", "report", "-o", out)[0] == 0
    text = out.read_text(encoding="utf-8")
    assert "<details open><summary>Other domains</summary>" in text
    assert "five shots" in text
    assert "Holm" in text


def test_pictures_alone_are_padded() -> None:
    text = 'name = "x"\n[task]\nfamily = "sinusoid"\n' + domain("padded", shots=3, fit="pad")
    with pytest.raises(InputError, match=r"'padded': fit = \"pad\" is said of pictures"):
        runs.open_family(parse(text + '[[algorithm]]\nkind = "maml"\n'))
