"""Networks: safe under vmap, and the same mathematics as torch's own layers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from workbench.networks import Network, NetworkError, initialise
from workbench.networks.batch_norm import BatchNorm
from workbench.networks.conv4 import Conv4, Conv4Config
from workbench.networks.mlp import MLP, MLPConfig
from workbench.networks.resnet12 import ResNet12, ResNet12Config

Params = dict[str, Tensor]
TASKS, EXAMPLES, WAYS = 3, 6, 4

NETWORKS = {
    "mlp": lambda: MLP(MLPConfig(), (5,), WAYS),
    "strided": lambda: Conv4(Conv4Config(width=4, stride=2), (1, 14, 11), WAYS),
    "pooled": lambda: Conv4(Conv4Config(width=4), (3, 17, 20), WAYS),
    "pooled, many channels": lambda: Conv4(Conv4Config(width=4), (7, 16, 16), WAYS),
    "strided, no batch norm": lambda: Conv4(
        Conv4Config(width=4, stride=2, batch_norm=False), (1, 9, 9), WAYS
    ),
    "pooled, no batch norm": lambda: Conv4(Conv4Config(width=4, batch_norm=False), (6, 16, 16), WAYS),
    "resnet12": lambda: ResNet12(ResNet12Config(width=0.02), (2, 16, 19), WAYS),
}
INPUTS = {
    "mlp": (5,), "strided": (1, 14, 11), "pooled": (3, 17, 20), "pooled, many channels": (7, 16, 16),
    "strided, no batch norm": (1, 9, 9), "pooled, no batch norm": (6, 16, 16),
    "resnet12": (2, 16, 19),
}  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, generator=seeded(seed), dtype=torch.float64)


def weights_of(network: Network) -> Params:
    """Drawn weights; batch norm's too, so that none is one or zero."""
    initialise(network, seeded())
    network.double()
    weights = {name: w.detach().clone() for name, w in network.named_parameters()}
    return {name: w + 0.3 * draw(*w.shape, seed=1) if w.dim() == 1 else w for name, w in weights.items()}


def plain(network: Network, weights: Params, x: Tensor) -> Tensor:
    """The same network out of torch's own layers."""
    left = iter(weights.values())
    if isinstance(network, MLP):
        return F.linear(
            F.linear(F.linear(x, next(left), next(left)).relu(), next(left), next(left)).relu(),
            next(left),
            next(left),
        )
    if isinstance(network, ResNet12):
        for _ in range(4):
            filters, norms = [next(left) for _ in range(3)], [[next(left), next(left)] for _ in range(3)]
            beside = F.conv2d(x, next(left)[:, :, None, None])
            beside = F.batch_norm(beside, None, None, next(left), next(left), training=True)
            for place, (each, norm) in enumerate(zip(filters, norms, strict=True)):
                x = F.batch_norm(F.conv2d(x, each, padding=1), None, None, *norm, training=True)
                x = F.leaky_relu(x + beside if place == 2 else x, 0.1)
            x = F.max_pool2d(x, 2)
        return F.linear(x.flatten(1), next(left), next(left))
    assert isinstance(network, Conv4)
    for _ in range(4):
        x = F.conv2d(x, next(left), next(left), stride=network.config.stride, padding=1)
        if network.config.batch_norm:
            x = F.batch_norm(x, None, None, next(left), next(left), training=True)
        x = x.relu()
        x = F.max_pool2d(x, 2) if network.config.stride == 1 else x
    return F.linear(x.flatten(1), next(left), next(left))


def after_a_step(
    predict: Callable[[Params, Tensor], Tensor], weights: Params, x: Tensor, y: Tensor
) -> Tensor:
    """A MAML loss: its gradient needs every second derivative that there is."""
    inner = grad(lambda at: F.cross_entropy(predict(at, x[:3]), y[:3]))(weights)
    adapted = {name: weight - 0.3 * inner[name] for name, weight in weights.items()}
    return F.cross_entropy(predict(adapted, x[3:]), y[3:])


def plain_gradient(network: Network, weights: Params, x: Tensor, y: Tensor) -> list[Tensor]:
    """Gradient of that loss without torch.func, vmap and our layers."""
    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    loss = F.cross_entropy(plain(network, leaves, x[:3]), y[:3])
    inner = torch.autograd.grad(loss, list(leaves.values()), create_graph=True)
    adapted = {name: w - 0.3 * g for (name, w), g in zip(leaves.items(), inner, strict=True)}
    loss = F.cross_entropy(plain(network, adapted, x[3:]), y[3:])
    return list(torch.autograd.grad(loss, list(leaves.values())))


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[Network, Params, Tensor, Tensor]:
    network = NETWORKS[request.param]()
    x = draw(TASKS, EXAMPLES, *INPUTS[request.param])
    y = torch.randint(WAYS, (TASKS, EXAMPLES), generator=seeded())
    return network, weights_of(network), x, y


def test_values_are_those_of_torchs_layers(case: tuple[Network, Params, Tensor, Tensor]) -> None:
    network, weights, x, _ = case
    torch.testing.assert_close(functional_call(network, weights, (x[0],)), plain(network, weights, x[0]))


def test_vmap_over_weights_equals_a_loop(case: tuple[Network, Params, Tensor, Tensor]) -> None:
    network, weights, x, _ = case
    tasks = {name: torch.stack([w, 0.5 * w, w + 0.1]) for name, w in weights.items()}
    batched = vmap(lambda at, each: functional_call(network, at, (each,)))(tasks, x)
    loop = [functional_call(network, {n: w[t] for n, w in tasks.items()}, (x[t],)) for t in range(TASKS)]
    torch.testing.assert_close(batched, torch.stack(loop))


def test_vmap_within_vmap_equals_loops(case: tuple[Network, Params, Tensor, Tensor]) -> None:
    """As in an evaluation where each query is judged alone: batches within tasks."""
    network, weights, x, _ = case
    tasks = {name: torch.stack([w, 0.5 * w, w + 0.1]) for name, w in weights.items()}
    halves = x.unflatten(1, (2, EXAMPLES // 2))

    def of_task(weights: Params, batches: Tensor) -> Tensor:
        return vmap(lambda batch: functional_call(network, weights, (batch,)))(batches)

    batched = vmap(of_task)(tasks, halves)
    for task in range(TASKS):
        for half in range(2):
            alone = functional_call(network, {n: w[task] for n, w in tasks.items()}, (halves[task, half],))
            torch.testing.assert_close(batched[task, half], alone)


@pytest.mark.parametrize("outer", ["recorded", "functional"])
def test_second_order_gradients_under_vmap_equal_a_plain_loop(
    case: tuple[Network, Params, Tensor, Tensor], outer: str
) -> None:
    network, weights, x, y = case
    losses_of = vmap(
        lambda at, x, y: after_a_step(lambda w, x: functional_call(network, w, (x,)), at, x, y),
        in_dims=(None, 0, 0),
    )
    if outer == "recorded":
        leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
        losses = losses_of(leaves, x, y).sum()
        ours = torch.autograd.grad(losses, list(leaves.values()), materialize_grads=True)
    else:
        ours = tuple(grad(lambda at: losses_of(at, x, y).sum())(weights).values())
    tasks = [plain_gradient(network, weights, x[t], y[t]) for t in range(TASKS)]
    for got, expected in zip(ours, zip(*tasks, strict=True), strict=True):
        torch.testing.assert_close(got, torch.stack(expected).sum(0), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_batch_norm_is_torchs(layout: torch.memory_format) -> None:
    norm = BatchNorm(3).double()
    x = draw(4, 3, 5, 2).to(memory_format=layout).requires_grad_()
    weight, bias = draw(3, seed=1).requires_grad_(), draw(3, seed=2).requires_grad_()

    def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out: Tensor = functional_call(norm, {"weight": weight, "bias": bias}, (x,))
        return out

    theirs = F.batch_norm(x, None, None, weight, bias, training=True)
    torch.testing.assert_close(ours(x, weight, bias), theirs)
    direction = draw(4, 3, 5, 2, seed=3)
    got = torch.autograd.grad(ours(x, weight, bias), (x, weight, bias), direction)
    torch.testing.assert_close(got, torch.autograd.grad(theirs, (x, weight, bias), direction))
    assert torch.autograd.gradcheck(ours, (x, weight, bias))
    assert torch.autograd.gradgradcheck(ours, (x, weight, bias))


def test_batch_norm_reads_weights_that_are_not_contiguous() -> None:
    """What a product gives under vmap can have the tasks' dimension last in memory."""
    norm, x = BatchNorm(5), draw(TASKS, 4, 5, 3, 3).float()
    weight, bias = draw(5, TASKS, seed=1).float(), draw(5, TASKS, seed=2).float()

    def ours(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        return functional_call(norm, {"weight": weight, "bias": bias}, (x,))

    batched = vmap(ours, in_dims=(1, 1, 0))(weight, bias, x)
    by_weight = vmap(grad(lambda *at: ours(*at).square().sum()), in_dims=(1, 1, 0))(weight, bias, x)
    for task in range(TASKS):
        at, shift = weight[:, task].clone().requires_grad_(), bias[:, task].clone()
        theirs = F.batch_norm(x[task], None, None, at, shift, training=True)
        torch.testing.assert_close(batched[task], theirs.detach())
        expected = torch.autograd.grad(theirs.square().sum(), at)[0]
        torch.testing.assert_close(by_weight[task], expected)
        torch.testing.assert_close(ours(weight[:, task], bias[:, task], x[task]), theirs.detach())


def test_batch_norm_is_the_same_when_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled, and on accelerators, a formula takes the place of the CPU's kernel."""
    norm, x = BatchNorm(3).double(), draw(4, 3, 5, 2)
    kernel = norm(x)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(norm(x), kernel)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [(28, 28), (17, 29), (84, 20), (16, 16)])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_conv4_takes_images_of_any_shape(stride: int, side: tuple[int, int], channels: int) -> None:
    network = Conv4(Conv4Config.model_validate({"width": 2, "stride": stride}), (channels, *side), WAYS)
    assert network(torch.rand(2, channels, *side)).shape == (2, WAYS)


def test_a_constant_image_gives_finite_gradients() -> None:
    network = Conv4(Conv4Config(width=4), (1, 28, 28), WAYS)
    network(torch.zeros(3, 1, 28, 28)).sum().backward()
    assert all(w.grad is None or bool(w.grad.isfinite().all()) for w in network.parameters())


@pytest.mark.parametrize("side", [(15, 28), (28, 15)])
def test_the_pooled_network_refuses_small_images(side: tuple[int, int]) -> None:
    with pytest.raises(NetworkError, match="16×16"):
        Conv4(Conv4Config(), (1, *side), WAYS)


@pytest.mark.parametrize("shape", [(5,), (3, 15, 28)])
def test_resnet12_refuses_what_it_cannot_halve(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetworkError, match="16×16"):
        ResNet12(ResNet12Config(), shape, WAYS)


def test_conv4_refuses_what_is_no_image() -> None:
    with pytest.raises(NetworkError, match="takes images"):
        Conv4(Conv4Config(), (5,), WAYS)


def test_initialisation_is_a_function_of_the_generator() -> None:
    first, second = (Conv4(Conv4Config(width=4), (1, 16, 16), WAYS) for _ in range(2))
    for network in (first, second):
        initialise(network, seeded(7))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    convolution = next(module for module in first.modules() if isinstance(module, nn.Conv2d))
    assert convolution.weight.abs().max() <= 1 / 3
