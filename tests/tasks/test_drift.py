"""Families whose training tasks come segment by segment."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from workbench.config import SPLITS, ClassificationTaskConfig, ConfigError, Drift, parse
from workbench.tasks.base import DataError, EpisodeSize
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.sinusoid import Sinusoid, SinusoidConfig, SinusoidDrift

MEMBERS = {"train": list(range(10)), "validation": [10, 11], "test": [12, 13]}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def classes(segments: int | None, ways: int = 2, **options: object) -> ClassFamily:
    drift = None if segments is None else Drift(segments=segments)
    config = ClassificationTaskConfig(ways=ways, shots=1, queries=2, drift=drift)
    examples = torch.arange(14).repeat_interleave(5).view(70, 1, 1, 1).expand(70, 1, 2, 2).to(torch.uint8)
    names = tuple(f"class {index}" for index in range(14))
    pool = ClassPool(examples.contiguous(), (5,) * 14, names, ("",) * 14)
    return ClassFamily(config, pool, MEMBERS, **options)  # type: ignore[arg-type]


# --- sinusoid -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["amplitude", "phase", "x"])
def test_segments_cut_a_parameters_range_into_equal_parts(parameter: str) -> None:
    config = SinusoidConfig(shots=50, queries=50, drift=SinusoidDrift(segments=4, parameter=parameter))
    low, high = getattr(config, parameter)
    whole = Sinusoid(config)
    assert whole.segments == 4
    for segment in range(4):
        tasks = whole.sample("train", 300, seeded(), segment=segment)
        start, stop = (low + part * (high - low) / 4 for part in (segment, segment + 1))
        values = {"x": tasks.support["x"], "amplitude": tasks.query["y"].abs().amax(1)}.get(parameter)
        if values is None:
            continue  # phases: in test_stream, by a fit
        tolerance = 0.02 * (parameter == "amplitude")  # 50 points may miss the top
        assert values.max() <= stop + 1e-5
        assert float(values.median()) == pytest.approx((start + stop) / 2, abs=(stop - start) / 8 + tolerance)
        if parameter == "x":
            assert values.min() >= start - 1e-5


@pytest.mark.parametrize("split", SPLITS)
def test_a_sinusoid_that_drifts_has_the_same_tasks_where_no_segment_is_asked_for(split: str) -> None:
    still = Sinusoid(SinusoidConfig())
    drifting = Sinusoid(SinusoidConfig(drift=SinusoidDrift(segments=3)))
    assert still.sample(split, 20, seeded()).hash() == drifting.sample(split, 20, seeded()).hash()
    assert still.reference_loss == drifting.reference_loss
    assert still.segments == 1


def test_a_drift_must_make_sense() -> None:
    text = '[task]\nfamily = "sinusoid"\n[task.drift]\n{}\n[[algorithm]]\nkind = "maml"\n'
    assert parse(text.format("segments = 2")).task.drift == SinusoidDrift(segments=2)
    with pytest.raises(ConfigError, match=r"task\.drift\.segments: 1 is out of range"):
        parse(text.format("segments = 1"))
    with pytest.raises(ConfigError, match=r"task\.drift\.parameter: 'colour' is not allowed"):
        parse(text.format('parameter = "colour"'))


# --- classes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("segments", "rotations"), [(2, False), (3, False), (5, False), (3, True)])
def test_segments_of_classes_are_disjoint_and_cover_the_training_classes(
    segments: int, rotations: bool
) -> None:
    drifting = classes(segments, rotations=rotations)
    seen = [
        set(drifting.sample("train", 300, seeded(), segment=segment).support["classes"].flatten().tolist())
        for segment in range(segments)
    ]
    assert set().union(*seen) == set(range(40 if rotations else 10))
    assert sum(map(len, seen)) == len(set().union(*seen))
    sizes = [len(each) for each in seen]
    assert max(sizes) - min(sizes) <= (4 if rotations else 1)
    turned = [
        {number % 10 for number in each} for each in seen
    ]  # a class and its turned copies stay together
    assert sum(map(len, turned)) == 10


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_do_not_drift(split: str) -> None:
    drifting = classes(3)
    whole, first = (drifting.sample(split, 20, seeded(), segment=each) for each in (None, 0))
    assert whole.hash() == first.hash()


def test_classes_without_drift_are_as_before() -> None:
    episodes = [each.sample("train", 50, seeded()).hash() for each in (classes(None), classes(3))]
    assert episodes[0] == episodes[1]
    assert classes(None).segments == 1


def test_too_many_ways_for_a_segment_are_refused_in_one_line() -> None:
    with pytest.raises(DataError, match=r"4 ways, but a segment of the stream has 3 classes that can meet; "):
        classes(3, ways=4).check(EpisodeSize(4, 1, 2), "train")
    drifting = classes(3)
    with pytest.raises(DataError) as refused:
        drifting.sample("train", 1, seeded(), EpisodeSize(4, 1, 2), segment=0)
    assert "fewer segments under [task.drift]" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_look_alikes_count_once_in_a_segment() -> None:
    alike = np.zeros((14, 14), bool)
    alike[0, 1] = alike[1, 0] = True
    with pytest.raises(DataError, match="2 ways, but a segment of the stream has 1 classes that can meet"):
        classes(5, look_alikes=alike)
    drifting = classes(3, look_alikes=alike)  # segments of 3 or 4 classes
    met = drifting.sample("train", 200, seeded(), segment=0).support["classes"].sort().values
    assert [0, 1] not in met.tolist()
    assert math.isclose(drifting.reference_loss, math.log(2))
