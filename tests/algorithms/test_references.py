"""References that act: exact ones against brute force, the others against their formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.worlds.some import chance, spread_out, tasks
from workbench import runs
from workbench.algorithms import ALGORITHMS, bayes_optimal
from workbench.algorithms.arms import UCB, indices
from workbench.algorithms.bayes_optimal import solved
from workbench.algorithms.oracle import OracleConfig
from workbench.algorithms.recurrent import RecurrentConfig
from workbench.algorithms.references import Reference
from workbench.algorithms.rl2 import RL2Config
from workbench.algorithms.search import best_path
from workbench.algorithms.trials import TrialLearner
from workbench.config import TaskConfig, parse
from workbench.engine.intervals import mean_interval
from workbench.errors import InputError
from workbench.networks.mlp import MLP, MLPConfig
from workbench.problems import Problem, Regression
from workbench.problems.control import Control, rows
from workbench.project import Project
from workbench.tasks.bandits import BanditsWorld, GaussianBanditsWorld
from workbench.tasks.base import Data, TaskShape
from workbench.tasks.grid_navigation import GridWorld
from workbench.tasks.maze import MazeWorld
from workbench.tasks.navigation import NavigationWorld
from workbench.tasks.opponents import GAMES, OpponentsWorld
from workbench.tasks.tabular_mdp import TabularWorld
from workbench.worlds.base import Countable, World
from workbench.worlds.rollout import rollout


def learner(name: str, world: World, **settings: object) -> TrialLearner:
    cls = ALGORITHMS[name]
    shape = TaskShape(Control(world), (world.observations,), world.actions.width)
    made = cls(cls.Config(**settings), MLP(MLPConfig(), shape.input_shape, shape.outputs), shape)
    assert isinstance(made, TrialLearner)
    return made


def acted(name: str, world: World, trials: int, episodes: int, **settings: object) -> Data:
    """What a reference does in trials, in 64 bits."""
    query = rows(chance(world, (trials, episodes)), spread_out(tasks(world, (trials,)), episodes))
    return learner(name, world, **settings).act({}, query, torch.Generator().manual_seed(1))


def returns(data: Data) -> np.ndarray:
    earned: np.ndarray = data["reward"].sum(-1).numpy()
    return earned


# --- Bayes-optimal ---------------------------------------------------------------------------------------


def best_of_all(
    steps: int, value: Callable[[Sequence[Tensor], Sequence[int]], tuple[Tensor, Tensor]]
) -> float:
    """The best that any way to act can expect, of those that choose one of two moves by what happened before.

    Parameters
    ----------
    value : of the moves of all ways to act (int64 ``[ways]``, one each step) and of what happened at
        each (0 or 1): how likely it is, and what it pays; ``[ways]``.
    """
    histories = [told for step in range(steps) for told in itertools.product((0, 1), repeat=step)]
    ways = torch.arange(2 ** len(histories))
    chosen = {told: ways >> at & 1 for at, told in enumerate(histories)}
    expected = torch.zeros(len(ways), dtype=torch.float64)
    for happened in itertools.product((0, 1), repeat=steps):
        likely, paid = value([chosen[happened[:step]] for step in range(steps)], happened)
        expected += likely * paid
    return float(expected.max())


def of_two_arms(moves: Sequence[Tensor], happened: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Rewards of arms p ~ U[0, 1]: s successes and f failures of an arm are as likely as B(s + 1, f + 1)."""
    likely = torch.ones(len(moves[0]), dtype=torch.float64)
    for arm in (0, 1):
        paid = sum((move == arm) * each for move, each in zip(moves, happened, strict=True))
        failed = sum((move == arm) * (1 - each) for move, each in zip(moves, happened, strict=True))
        ones = torch.as_tensor(paid, dtype=torch.float64), torch.as_tensor(failed, dtype=torch.float64)
        likely = (
            likely
            * (
                torch.lgamma(ones[0] + 1) + torch.lgamma(ones[1] + 1) - torch.lgamma(ones[0] + ones[1] + 2)
            ).exp()
        )
    return likely, torch.full_like(likely, float(sum(happened)))


@pytest.mark.parametrize("pulls", [1, 2, 3, 4])
def test_dynamic_programming_over_arms_is_the_best_of_all_ways_to_pull(pulls: int) -> None:
    value = solved(BanditsWorld(arms=2), pulls)[0].value
    assert float(value.max()) == pytest.approx(best_of_all(pulls, of_two_arms), abs=1e-12)


def of_an_opponent(
    rounds: int, game: str, moves: Sequence[Tensor], happened: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """The moves of an opponent whose five chances are ~ Beta(½, ½), over matches of so many rounds."""
    times = torch.zeros(
        2, 5, len(moves[0]), dtype=torch.float64
    )  # in each situation: it cooperated, defected
    paid = torch.zeros(len(moves[0]), dtype=torch.float64)
    pays, ways = torch.tensor(GAMES[game], dtype=torch.float64), torch.arange(len(moves[0]))
    situation = torch.zeros(len(moves[0]), dtype=torch.int64)
    for step, (own, other) in enumerate(zip(moves, happened, strict=True)):
        if step % rounds == 0:
            situation = torch.zeros_like(situation)
        times[other, situation, ways] += 1
        paid += pays[own, other]
        situation = 1 + 2 * own + other
    log = (torch.lgamma(times + 0.5) - math.lgamma(0.5)).sum(0) - torch.lgamma(times.sum(0) + 1)
    return log.sum(0).exp(), paid


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize(("rounds", "matches"), [(3, 1), (2, 2), (1, 4)])
def test_dynamic_programming_over_opponents_is_the_best_of_all_ways_to_play(
    game: str, rounds: int, matches: int
) -> None:
    value = solved(OpponentsWorld(game, rounds), matches)[0].value
    assert float(value.max()) == pytest.approx(
        best_of_all(rounds * matches, partial(of_an_opponent, rounds, game)), abs=1e-12
    )


def test_ten_pulls_of_five_arms_are_worth_6_660_and_take_few_beliefs() -> None:
    levels = solved(BanditsWorld(arms=5), 10)
    assert float(levels[0].value.max()) == pytest.approx(6.660, abs=5e-4)
    # as many as there are multisets of five counts of what was paid and not, of 0 to 9 pulls in all
    counts = {tuple(sorted(each)) for each in _five_counts(9)}
    assert sum(len(each.value) for each in levels) == len(counts)


def _five_counts(most: int) -> set[tuple[tuple[int, int], ...]]:
    found = {((0, 0),) * 5}
    for _ in range(most):
        found |= {
            tuple(sorted((*each[:arm], (each[arm][0] + paid, each[arm][1] + 1 - paid), *each[arm + 1 :])))
            for each in found
            if sum(map(sum, each)) < most
            for arm in range(5)
            for paid in (0, 1)
        }
    return found


def test_the_small_stag_hunt_is_worth_31_378() -> None:
    world = OpponentsWorld(rounds=4)
    assert float(solved(world, 3)[0].value.max()) == pytest.approx(31.378, abs=5e-4)


@pytest.mark.parametrize(
    ("world", "episodes"),
    [(BanditsWorld(arms=3), 6), (OpponentsWorld(rounds=3), 2)],
    ids=["arms", "opponents"],
)
def test_it_earns_what_is_expected_of_it(world: Countable, episodes: int) -> None:
    earned = mean_interval(returns(acted("bayes_optimal", world, 10_000, episodes)))
    expected = float(solved(world, episodes)[0].value.max())
    assert abs(earned.mean - expected) < 2 * earned.half_width


@pytest.mark.parametrize(
    ("name", "world", "said"),
    [
        ("bayes_optimal", GaussianBanditsWorld(arms=2), "few things can happen"),
        ("bayes_optimal", OpponentsWorld(rounds=20), "would plan for more than"),
        ("gittins", GaussianBanditsWorld(arms=2), "arms that pay 1 or 0"),
        ("gittins", BanditsWorld(arms=2), "at most 200 pulls"),
    ],
)
def test_what_cannot_be_computed_is_said_in_one_line(
    name: str, world: World, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bayes_optimal, "MOST", 20_000)
    with pytest.raises(InputError, match=said) as refused:
        acted(name, world, 2, 201 if world.horizon == 1 else 3)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("gittins", "pulls = 201", "at most 200 pulls, not 201"),
        ("gittins", 'pays = "gaussian"', "arms that pay 1 or 0"),
        ("bayes_optimal", "pulls = 40", "would plan for more than"),
    ],
)
def test_it_is_refused_before_anything_is_run(
    name: str, settings: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bayes_optimal, "MOST", 20_000)
    learners = f'algorithm = [{{kind = "random"}}, {{kind = "{name}"}}]'
    fit, unfit = (
        parse(f'{learners}\n[task]\nfamily = "bandits"\n{each}') for each in ("pulls = 5", settings)
    )
    runs.check(fit, runs.open_family(fit))
    with pytest.raises(runs.UnableError, match=said) as refused:
        runs.check(unfit, runs.open_family(unfit))
    assert refused.value.number == 1


# --- indices ---------------------------------------------------------------------------------------------


def best_rate(pulled: int, paid: int, left: int) -> float:
    """Gittins's index by enumeration: the greatest reward a pull, over all rules when to stop after one."""
    nodes = [(each, good) for each in range(1, left) for good in range(each + 1)]  # where one may stop
    rules = torch.arange(2 ** len(nodes))
    stops = {node: (rules >> at & 1).bool() for at, node in enumerate(nodes)}
    reached = {(0, 0): torch.ones(len(rules), dtype=torch.float64)}
    reward, pulls = (torch.zeros(len(rules), dtype=torch.float64) for _ in range(2))
    for each in range(left):
        for good in range(each + 1):
            here = reached[each, good]
            if each:
                here = torch.where(stops[each, good], 0.0, here)
            pays = (paid + good + 1) / (pulled + each + 2)
            reward, pulls = reward + here * pays, pulls + here
            for outcome, likely in ((good + 1, pays), (good, 1 - pays)):
                then = reached.get((each + 1, outcome), torch.zeros_like(here))
                reached[each + 1, outcome] = then + here * likely
    return float((reward / pulls).max())


@pytest.mark.parametrize("left", [1, 2, 3, 4, 5, 6])
def test_an_index_is_the_best_rate_over_all_rules_when_to_stop(left: int) -> None:
    table = indices(8)[left]
    for pulled in range(4 if left < 6 else 1):
        for paid in range(pulled + 1):
            assert float(table[pulled, paid]) == pytest.approx(best_rate(pulled, paid, left), abs=1e-4)


def test_upper_confidence_bounds_are_those_of_the_papers() -> None:
    world = BanditsWorld(arms=3)
    paid, pulls = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[3.0, 1.0, 0.0]])
    belief = {"paid": paid + 1, "failed": pulls - paid + 1}
    one, bayesian = (learner("ucb", world, mean=mean) for mean in ("empirical", "posterior"))
    assert isinstance(one, UCB) and isinstance(bayesian, UCB)  # noqa: PT018
    expected = [2 / 3 + math.sqrt(2 * math.log(4) / 3), math.sqrt(2 * math.log(4)), math.inf]
    assert one.index(belief, pulls, paid, 6)[0].tolist() == pytest.approx(expected)
    expected = [
        (s + 1) / (n + 2) + 0.2 * math.sqrt(2 * math.log(5) / (n + 1)) for s, n in ((2, 3), (0, 1), (0, 0))
    ]
    assert bayesian.index(belief, pulls, paid, 6)[0].tolist() == pytest.approx(expected)


def test_every_arm_is_tried_once_by_ucb1() -> None:
    pulled = acted("ucb", BanditsWorld(arms=4), 20, 6, mean="empirical")["action"][:, :4]
    assert torch.equal(pulled.sort(-1).values, torch.arange(4).expand(20, 4))


# --- planners --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plans"),
    [("greedy", 3), ("psrl", 3), ("opsrl", 3), ("thompson", 12), ("optimistic_thompson", 12)],
)
def test_one_plans_for_an_episode_or_for_a_step(
    name: str, plans: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, made = TabularWorld(states=3, actions=2, horizon=4), []
    plan = world.plan
    monkeypatch.setattr(world, "plan", lambda task: made.append(1) or plan(task))
    acted(name, world, 5, 3)
    assert len(made) == plans


def test_a_second_pull_is_as_likely_as_that_arm_is_the_best() -> None:
    world = BanditsWorld(arms=2)
    data = acted("thompson", world, 20_000, 2)
    first, again = data["action"].unbind(-1)
    won = data["reward"][:, 0] > 0
    # p ~ Beta(2, 1) after a success exceeds q ~ U[0, 1] with 2/3, p ~ Beta(1, 2) with 1/3
    for which, likely in ((won, 2 / 3), (~won, 1 / 3)):
        assert float((first == again)[which].double().mean()) == pytest.approx(likely, abs=0.02)


def test_greedy_goes_on_with_what_paid_and_changes_what_did_not() -> None:
    data = acted("greedy", BanditsWorld(arms=3), 200, 2)
    first, again = data["action"].unbind(-1)
    assert torch.equal(first == again, data["reward"][:, 0] > 0)


def test_so_many_moves_are_at_random() -> None:
    world = TabularWorld(states=3, actions=4, horizon=4)
    at_random = acted("random", world, 50, 3)["action"]
    assert torch.equal(acted("epsilon_greedy", world, 50, 3, epsilon=1.0)["action"], at_random)
    belief_only = acted("epsilon_greedy", world, 4000, 1, epsilon=0.4)
    first = belief_only["action"][:, 0]  # nothing is known yet: ties at random
    assert (torch.bincount(first, minlength=4) / 4000 - 0.25).abs().max() < 0.03


def test_random_numbers_are_uniform() -> None:
    action = acted("random", NavigationWorld(horizon=12), 500, 2)["action"].flatten()
    assert float(action.abs().max()) <= 1
    edges = torch.linspace(-1, 1, 6, dtype=action.dtype)
    share = torch.histc(action, 5, -1, 1) / len(action)
    assert len(edges) == 6
    assert (share - 0.2).abs().max() < 0.01


# --- search ----------------------------------------------------------------------------------------------


def test_the_search_path_is_the_best_of_all_paths() -> None:
    world = GridWorld(size=3, horizon=4)
    goals = {"goal": torch.tensor(world.goals[""], dtype=torch.float64)}
    paths = torch.tensor(list(itertools.product(range(5), repeat=4)))
    task = {"goal": goals["goal"].expand(len(paths), -1, -1)}
    drawn = chance(world, (len(paths), len(goals["goal"])))

    def earned(paths: Tensor) -> Tensor:
        number = len(paths)
        data = rollout(
            world,
            {name: each[:number] for name, each in task.items()},
            {name: each[:number] for name, each in drawn.items()},
            lambda seen: (paths[:, seen.time, None].expand(-1, len(goals["goal"])), {}),
        )
        # once on the goal it stays there, which pays 1 at each step that is left
        there = (data["reward"] > 0).cummax(-1).values
        return torch.where(there, 1.0, -0.1).sum(-1).mean(-1)

    found = best_path(world, 1)
    assert found.shape == (4,)
    assert float(earned(found[None])) == pytest.approx(float(earned(paths).max()), abs=1e-9)


def test_a_search_of_the_grid_expects_37_2_and_goes_straight_once_it_knows_the_goal() -> None:
    world = GridWorld()
    task = {"goal": torch.tensor(world.goals[""], dtype=torch.float64)}
    query = rows(chance(world, (21, 4)), spread_out(task, 4))
    reward = learner("search", world).act({}, query, torch.Generator().manual_seed(1))["reward"]
    by_episode = reward.reshape(21, 4, 15).sum(-1)
    assert float(by_episode.sum(-1).mean()) == pytest.approx(37.2, abs=0.1)
    found = (reward[:, :15] > 0).any(-1)
    assert int(found.sum()) > 10
    assert ((by_episode[:, 1:] - world.best_return(task)[:, None]).abs() < 1e-9)[found].all()


@pytest.mark.parametrize("permuted", [False, True])
def test_a_search_of_a_maze_finds_the_goal_and_never_takes_longer_again(permuted: bool) -> None:
    world = MazeWorld(permuted=permuted)
    data = acted("search", world, 300, 12)
    reached = data["reward"] > 0
    shortest = world.steps_to_goal(tasks(world, (300,)))[0][:, 0]
    for at in range(300):
        steps = reached[at].nonzero()[:, 0].tolist()
        assert steps, at
        ways = np.diff(steps)
        assert (np.diff(ways) <= 0).all()
        assert (ways >= float(shortest[at])).all()
    shares = reached.double().sum(-1)
    assert float(shares.mean()) > 3 * float(
        (acted("random", world, 300, 12)["reward"] > 0).double().sum(-1).mean()
    )


# --- all of them -----------------------------------------------------------------------------------------

WORLDS: dict[str, World] = {
    "bandits": BanditsWorld(arms=3),
    "tabular_mdp": TabularWorld(states=3, actions=2, horizon=3),
    "grid_navigation": GridWorld(size=3, horizon=5),
    "maze": MazeWorld(size=3, horizon=12),
    "opponents": OpponentsWorld(rounds=3),
    "navigation": NavigationWorld(horizon=12),
}
FITTING = [
    (name, family)
    for family in WORLDS
    for name, cls in ALGORITHMS.items()
    if issubclass(cls, Reference) and cls.Config.needs <= TaskConfig.kinds[family].gives()
]


@pytest.mark.parametrize(("name", "family"), [*FITTING, *(("oracle", family) for family in WORLDS)])
def test_a_file_may_ask_for_it_and_say_no_more(name: str, family: str) -> None:
    experiment = parse(f'[task]\nfamily = "{family}"\n[[algorithm]]\nkind = "{name}"')
    assert experiment.algorithm[0].name == name


@pytest.mark.parametrize(("name", "family"), FITTING)
def test_nobody_expects_more_than_the_oracle_or_less_than_at_random(name: str, family: str) -> None:
    world = WORLDS[family]
    earned, oracle, at_random = (returns(acted(each, world, 2000, 4)) for each in (name, "oracle", "random"))
    above, below = mean_interval(earned - oracle), mean_interval(earned - at_random)
    assert above.mean < 2 * above.half_width
    assert name == "random" or below.mean > 2 * below.half_width


@pytest.mark.parametrize(
    ("name", "settings", "problem", "privilege"),
    [
        ("random", {}, Control, ""),
        ("greedy", {}, Control, "knows the prior"),
        ("ucb", {}, Control, "knows the prior"),
        ("ucb", {"mean": "empirical"}, Control, ""),
        ("oracle", {}, Control, "sees the hidden parameters"),
        ("rl2", {}, Control, ""),
        ("recurrent", {}, Control, ""),
        ("maml_pg", {}, Control, ""),
        ("maml", {}, Control, Control.privilege),
        ("scratch", {}, Control, Control.privilege),
        ("task_replay", {"base": {"kind": "reptile"}}, Control, Control.privilege),
        ("maml", {}, Regression, ""),
    ],
)
def test_a_privilege_is_what_others_do_not_know(
    name: str, settings: dict[str, object], problem: type[Problem], privilege: str
) -> None:
    config = ALGORITHMS[name].Config.model_validate({"kind": name} | settings)
    assert config.privileges(problem) == privilege


@pytest.mark.parametrize("name", ["random", "oracle"])
def test_a_reward_that_is_no_number_fails_a_run_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BanditsWorld, "_reward", lambda self, pay, luck: pay / (pay < 0.99))
    experiment = parse(
        f'[task]\nfamily = "bandits"\n[evaluation]\nepisodes = 200\n[[algorithm]]\nkind = "{name}"'
    )
    family = runs.open_family(experiment)
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, experiment, family)
        assert runs.perform(project, run, family, runs.Control(), lambda *_: None) == "failed"
        failure = project.run(run).failure
        assert failure.endswith(f"{name!r} was paid a reward that is not finite")
        assert "\n" not in failure
        assert project.result(run, "test") is None


TRAINED = [
    name
    for name, kind in TaskConfig.kinds.items()
    if kind.problem is Control and "plan" not in kind.gives()  # elsewhere its policy is computed
]


@pytest.mark.parametrize("family", TRAINED)
def test_an_oracle_that_is_trained_can_be_told_all_that_suits_its_learner_in_the_family(family: str) -> None:
    kind = TaskConfig.kinds[family]
    learner = RecurrentConfig if "gradient" in kind.gives() else RL2Config
    assert kind.suits.of(learner).keys() == kind.suits.of(OracleConfig).keys()
