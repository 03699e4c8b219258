"""Turns an experiment into runs (algorithm × seed), and these into records of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench import config
from workbench.algorithms import ALGORITHMS
from workbench.config import AlgorithmConfig, Experiment
from workbench.data.reading import NEWEST
from workbench.engine import accounting, building, devices
from workbench.engine.best import Trial
from workbench.engine.interruption import Asked, nobody_asks
from workbench.engine.plan import Plan
from workbench.engine.private import Private
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.paths import resource
from workbench.project import Project, ProjectError, RunFields, RunRecord, Status, Store, Tuned
from workbench.runs.domains import DomainError, open_domain
from workbench.tasks import FAMILIES
from workbench.tasks.base import DataError, Domain, Progress, TaskFamily

SAMPLES = {
    "quickstart": "quickstart.toml",
    "quickstart-glyphs": "quickstart_glyphs.toml",
    "quickstart-bandits": "quickstart_bandits.toml",
    "quickstart-navigation": "quickstart_navigation.toml",
    "quickstart-driving": "quickstart_driving.toml",
    "quickstart-sets": "quickstart_sets.toml",
    "quickstart-patients": "quickstart_patients.toml",
    "quickstart-languages": "quickstart_languages.toml",
    "all-sinusoid": "all_sinusoid.toml",
    "all-glyphs": "all_glyphs.toml",
    "private-sinusoid": "private_sinusoid.toml",
    "published-omniglot": "published_omniglot.toml",
}
"""The built-in experiments, by the name that stands for a file."""

CAN_GO_ON: tuple[Status, ...] = ("queued", "paused", "stopped", "interrupted")


@dataclass(frozen=True)
class Run:
    """One algorithm and one seed of an experiment."""

    experiment: Experiment
    config: AlgorithmConfig
    seed: int
    tuned: Tuned | None = None
    """What a sweep made of it."""

    def trainer(
        self,
        family: TaskFamily,
        *,
        plan: Plan | None = None,
        asked: Asked = nobody_asks,
        steady: bool = False,
    ) -> Trainer:
        """What does the run; see :class:`~workbench.engine.trainer.Trainer`.

        Raises
        ------
        DeviceError, NetworkError, DataError, AbandonedError
            As of :class:`~workbench.engine.trainer.Trainer`.
        """
        tuned = self.tuned
        return Trainer(
            self.experiment,
            self.config,
            self.seed,
            family,
            plan=plan,
            asked=asked,
            trial=None if tuned is None or tuned.tests else Trial(tuned.limits),
            steady=steady or tuned is not None,
        )

    @property
    def label(self) -> str:
        """What charts call the algorithm."""
        return self.config.label or ALGORITHMS[self.config.name].title

    @property
    def hash(self) -> str:
        """Hash of everything that the run's results depend on."""
        return self.experiment.single(self.config, self.seed).hash()


def load_experiment(source: str, overrides: tuple[str, ...] = ()) -> Experiment:
    """Read an experiment from a file, or a built-in one by its name.

    Raises
    ------
    ConfigError
        If it is not an experiment.
    """
    if source in SAMPLES:
        text = resource(SAMPLES[source]).read_text(encoding="utf-8")
        return config.admitted(config.parse(text, overrides, source=source), source)
    return config.load(Path(source), overrides)


def newest_experiment(project: Project) -> Experiment | None:
    """What a project was last asked for; None where it holds nothing that this version can read."""
    for record in reversed(project.experiments()):
        try:
            return config.parse(record.toml)
        except config.ConfigError:
            continue
    return None


def expand(experiment: Experiment) -> list[Run]:
    """The runs of an experiment, in the order in which they are done."""
    seeds = experiment.training.seeds
    return [Run(experiment, each, seed) for each in experiment.algorithm for seed in seeds]


def open_family(
    experiment: Experiment,
    progress: Progress | None = None,
    reading: int = NEWEST,
    *,
    domains: bool = True,
) -> TaskFamily:
    """The experiment's task family with its data, as the rules of that version read it.

    Parameters
    ----------
    domains : whether its other domains are opened, too, on which runs are only tested.

    Raises
    ------
    DataError
        If the data cannot serve.
    """
    family = FAMILIES[experiment.task.name].opened(experiment.task, progress, reading)
    if domains:
        family.domains = tuple(open_domain(family, each, progress) for each in experiment.task.domain or ())
    return family


def reading_of(record: RunRecord) -> int:
    """Version of the rules by which a run's files are read: as when it was set up."""
    version = record.environment.get("reading", 1)  # from before there were others
    if not isinstance(version, int) or not 1 <= version <= NEWEST:
        raise DataError(
            f"run {record.id}: its data was read by rules of version {version!r}; "
            f"this program knows 1 to {NEWEST}"
        )
    return version


class UnableError(InputError):
    """An algorithm of an experiment, by its number from 0, that cannot do its episodes."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def check(experiment: Experiment, family: TaskFamily) -> None:
    """Refuse what could not run, before anything is written.

    Raises
    ------
    DataError, NetworkError, DeviceError, PrivacyError, UnableError
        For episodes that the data cannot give, a network that cannot take them, a device or an accountant
        that is not there, an algorithm that cannot do such episodes or keep them private.
    """
    devices.candidates(experiment.training.device)
    private = experiment.training.privacy
    if private is not None and private.noise != 0:
        accounting.demand()
    for number, each in enumerate(experiment.algorithm):
        algorithm = building.build(experiment, each, family)
        family.check(building.training_size(each, family), "train")
        try:
            algorithm.check(building.evaluation_size(experiment, family))
        except InputError as error:
            raise UnableError(number, str(error)) from None
        if private and algorithm.entangled and building.planned_iterations(experiment, each):
            raise UnableError(
                number,
                f"{each.name!r} cannot keep tasks private, since it {algorithm.entangled}; leave it out",
            )
    for split in config.SPLITS:
        family.check(building.evaluation_size(experiment, family), split)
    for domain in family.domains:
        _check_domain(experiment, family, domain)


def _check_domain(experiment: Experiment, family: TaskFamily, domain: Domain) -> None:
    """Refuse a domain whose episodes its data cannot give, or some algorithm cannot do."""
    size = building.domain_size(experiment, family, domain.family)
    try:
        domain.family.check(size, "test")
        for each in experiment.algorithm:
            building.in_domain(building.build(experiment, each, family), domain.family, size)
    except InputError as error:
        raise DomainError(domain.name, error) from None


def same_domains(record: RunRecord, family: TaskFamily) -> None:
    """Refuse other data in a domain than when a run was set up.

    Raises
    ------
    DataError
        If some has changed; the domain is named.
    """
    kept = record.environment.get("domains")
    for name, known in (kept if isinstance(kept, Mapping) else {}).items():
        if family.record_of_domains().get("domains", {}).get(name) != known:
            raise DataError(
                f"run {record.id}: the data of the domain {name!r} has changed since the run was set up; "
                "start a new run"
            )


def cautions(experiment: Experiment) -> list[str]:
    """What people must know of an experiment's privacy, and how much noise that takes: a sentence each.

    Raises
    ------
    PrivacyError
        If no noise is enough.
    """
    privacy = experiment.training.privacy
    if privacy is None:
        return []
    schedules = dict.fromkeys(each.schedule(experiment.training) for each in experiment.algorithm)
    trained = [each for each in schedules if each.iterations]
    return privacy.cautions + [
        f"{Private(privacy, each.meta_batch, each.iterations, 0).words}." for each in trained
    ]


def add(project: Project, experiment: Experiment, family: TaskFamily) -> list[int]:
    """Queue the runs of an experiment in a project; returns their ids."""
    with project.transaction():
        owner = project.add_experiment(experiment.name, experiment.to_toml(), experiment.hash())
        return [queue(project, owner, run, known_of(family)) for run in expand(experiment)]


def queue(project: Project, owner: int, run: Run, known: RunFields, name: str = "") -> int:
    """Queue a run of an experiment; its id.

    Parameters
    ----------
    owner : the experiment's id.
    known : what its record says of its data.
    name : where it is not called after algorithm and seed.
    """
    fields: RunFields = {
        "name": name or f"{run.label}, seed {run.seed}",
        "algorithm": run.config.name,
        "label": run.label,
        "task": run.experiment.task.name,
        "seed": run.seed,
        "status": "queued",
        "iterations_planned": building.planned_iterations(run.experiment, run.config),
        "config_hash": run.hash,
    }
    return project.add_run(owner, **(fields | known))


def known_of(family: TaskFamily) -> RunFields:
    """What records say of the data of a family."""
    told = {"reading": family.reading, "problem": family.problem.name, **family.record_of_domains()}
    return {"data_hash": family.data_hash(), "environment": told}


def of_record(project: Store, record: RunRecord) -> Run:
    """The run that a record stands for.

    Raises
    ------
    ProjectError
        If its experiment cannot be read by this version of the program.
    """
    owner = next(each for each in project.experiments() if each.id == record.experiment_id)
    tuned = Tuned.of(record)
    try:
        experiment = config.parse(owner.toml)
        if tuned is not None:
            experiment = experiment.with_values(tuned.values)
    except config.ConfigError as error:
        raise ProjectError(f"{project.path}: experiment {owner.name!r}: {error}") from None
    for each in experiment.algorithm:
        run = Run(experiment, each, record.seed, tuned)
        if run.hash == record.config_hash:
            return run
    raise ProjectError(
        f"{project.path}: run {record.id} is not part of its experiment; one of them was altered, use a copy"
    )
