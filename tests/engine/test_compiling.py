"""Compiling the meta-step: the same gradient where it works, one clear line where it does not."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.experiments import REGRESSION, Smooth, algorithm, episodes, meta_parameters
from workbench.engine.meta_step import MetaStep

HAS_COMPILER = any(map(shutil.which, ("g++", "clang++", "cl")))


@pytest.mark.skipif(not HAS_COMPILER, reason="no C++ compiler on this machine")
@pytest.mark.parametrize("name", ["maml", "reptile"])
def test_a_compiled_meta_step_gives_the_same_gradient(name: str) -> None:
    learner = algorithm(name, Smooth(2, 1), REGRESSION, inner_steps=1)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, 4)
    step = MetaStep(learner, chunk=4, compile=True)
    gradient, losses = step.gradient(meta, tasks)
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":  # torch's C++ needs vector instructions
        assert (step.compiled, step.note) == (True, None)
    assert step.compiled or "not compiled, runs as it is" in str(step.note)
    expected, expected_losses = MetaStep(learner, chunk=4).gradient(meta, tasks)
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(losses, expected_losses)


SCRIPT = """
import logging, sys
logging.basicConfig(level=logging.WARNING, format="%(message)s")
from tests.experiments import REGRESSION, Smooth, algorithm, episodes, meta_parameters
from workbench.engine.meta_step import MetaStep
learner = algorithm("maml", Smooth(2, 1), REGRESSION, inner_steps=1)
step = MetaStep(learner, chunk=4, compile=True)
for _ in range(2):
    gradient, losses = step.gradient(meta_parameters(learner), episodes(REGRESSION, 4))
assert not step.compiled and step.note, step.note
print(float(losses.mean()))
"""


def test_without_a_compiler_the_run_goes_on_and_says_so_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {
        "CXX": str(tmp_path / "no-such-compiler"),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    learner = algorithm("maml", Smooth(2, 1), REGRESSION, inner_steps=1)
    _, losses = MetaStep(learner, chunk=4).gradient(meta_parameters(learner), episodes(REGRESSION, 4))
    assert float(done.stdout) == pytest.approx(float(losses.mean()))
    lines = [line for line in done.stderr.splitlines() if "not compiled" in line]
    assert len(lines) == 1
    assert "runs as it is" in lines[0]


def test_an_error_of_the_algorithm_itself_is_not_hidden(caplog: pytest.LogCaptureFixture) -> None:
    learner = algorithm("maml", Smooth(2, 1), REGRESSION)
    learner.loss = lambda meta, episode: 1 / 0  # type: ignore[method-assign,assignment]
    with caplog.at_level(logging.CRITICAL), pytest.raises(ZeroDivisionError):
        MetaStep(learner, chunk=4, compile=True).gradient(meta_parameters(learner), episodes(REGRESSION, 4))


def test_the_first_error_of_the_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = """backend='inductor' raised:
CppCompileError: C++ compile error

Command:
g++ main.cpp -o main.so

Output:
main.cpp: In function 'void kernel(double*)':
main.cpp:17:41: error: 'at::vec' has not been declared
main.cpp:17:58: error: expected primary-expression
"""

    def refuse(*_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch, "compile", lambda *_, **__: refuse)
    learner = algorithm("maml", Smooth(2, 1), REGRESSION)
    step = MetaStep(learner, chunk=4, compile=True)
    step.gradient(meta_parameters(learner), episodes(REGRESSION, 4))
    assert step.note == (
        "not compiled, runs as it is: RuntimeError: backend='inductor' raised: "
        "CppCompileError: C++ compile error error: 'at::vec' has not been declared"
    )


@pytest.mark.parametrize("torch_named_its_own", [False, True])
@pytest.mark.parametrize("capability", ["DEFAULT", "AVX2"])
def test_compiled_code_is_kept_by_the_instructions_it_is_made_for(
    capability: str, torch_named_its_own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # so that what was there comes back
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    if torch_named_its_own:
        cache_dir()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    MetaStep(algorithm("maml", Smooth(2, 1), REGRESSION), chunk=4, compile=True)
    assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).name == capability


def test_a_place_for_compiled_code_that_somebody_chose_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    MetaStep(algorithm("maml", Smooth(2, 1), REGRESSION), chunk=4, compile=True)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)
