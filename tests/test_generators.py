"""Random numbers of torch from generators of one's own: the same as from the global one, which stays as it is."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_audio._isolation import (
    _DRAW_WITHIN,
    _DROP,
    _TAKE_A_GENERATOR,
    Generators,
    drawing_from,
)

CPU = torch.device("cpu")
# Names of operations that draw, or are given a generator, and are reached through one of those that are listed, or are
# no operations on tensors.
_INNER = {
    *("manual_seed", "seed", "initial_seed", "_no_grad_normal_", "_no_grad_uniform_"),
    *("_fused_dropout", "_cudnn_rnn", "miopen_rnn", "rrelu_with_noise_functional", "normal_functional"),
    *("bernoulli", "cauchy", "exponential", "geometric", "log_normal", "normal", "random", "uniform"),
}


def frames():
    return torch.arange(192.0).sin().reshape(4, 6, 8)


def attention():
    x = frames().requires_grad_()
    y = F.scaled_dot_product_attention(x, x, x, dropout_p=0.3)
    return torch.autograd.grad(y.square().sum(), x)[0]


def recurrent():
    network = nn.LSTM(8, 4, 2, dropout=0.5)
    network(frames())[0].sum().backward()
    return network.weight_ih_l1.grad


DRAWS = {
    "rand": lambda: torch.rand(3),
    "rand_like": lambda: torch.rand_like(frames()),
    "randn_like": lambda: torch.randn_like(frames()),
    "randint_like": lambda: torch.randint_like(frames(), 9),
    "randperm": lambda: torch.randperm(9),
    "normal of tensors": lambda: torch.normal(torch.zeros(5), 1.0),
    "normal of a shape": lambda: torch.normal(0.0, 1.0, (3,)),
    "multinomial": lambda: torch.ones(9).multinomial(4),
    "binomial": lambda: torch.binomial(torch.full((4,), 9.0), torch.full((4,), 0.5)),
    "gamma": lambda: torch.distributions.Gamma(0.3, 0.3).sample((3,)),
    "in place": lambda: torch.empty(9).exponential_(),
    "dropout": lambda: F.dropout(frames(), 0.3),
    "dropout of maps": lambda: F.dropout2d(frames()[..., None], 0.3),
    "alpha dropout": lambda: F.alpha_dropout(frames(), 0.3),
    "rrelu": lambda: F.rrelu(-frames(), training=True),
    "gumbel": lambda: F.gumbel_softmax(frames()),
    "fractional pooling": lambda: F.fractional_max_pool2d(frames(), 2, output_size=3),
    "attention": attention,
    "recurrent": recurrent,
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.3)(frames()).detach(),
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.empty(5, 7)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(5, 7)),
    "kaiming_normal_": lambda: nn.init.kaiming_normal_(torch.empty(5, 7)),
    "convolution": lambda: nn.Conv2d(2, 3, 3).weight.detach(),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_numbers_are_those_of_the_global_generator_after_the_same_seed(draw):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        wanted, after = draw(), torch.get_rng_state()
    generators, before = Generators(5), torch.get_rng_state()
    with drawing_from(generators):
        got = draw()
    assert torch.equal(got, wanted)
    assert torch.equal(generators.of(CPU).get_state(), after)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["dropout", "rand_like", "attention", "encoder", "convolution"])
def test_a_thread_that_draws_meanwhile_changes_nothing(name):
    def draws():
        with drawing_from(Generators(5)):
            return [DRAWS[name]() for _ in range(20)]

    wanted, over = draws(), threading.Event()

    def draw_meanwhile():
        while not over.is_set():
            torch.rand(100)

    other = threading.Thread(target=draw_meanwhile)
    other.start()
    try:
        assert all(torch.equal(a, b) for a, b in zip(draws(), wanted, strict=True))
    finally:
        over.set()
        other.join()


def test_what_can_be_given_no_generator_is_lent_the_global_one():
    generators, before = Generators(5), torch.get_rng_state()
    with generators.lent(CPU):
        first = torch.rand(3)
    with generators.lent(CPU):
        second = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    one_by_one = torch.Generator().manual_seed(5)
    assert torch.equal(torch.cat([first, second]), torch.cat([torch.rand(3, generator=one_by_one) for _ in range(2)]))


def test_a_generator_that_is_named_is_drawn_from():
    with drawing_from(Generators(5)):
        got = torch.rand(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(got, torch.rand(3, generator=torch.Generator().manual_seed(1)))


def test_nothing_is_drawn_without_memory():
    generators = Generators(5)
    with drawing_from(generators), torch.device("meta"):
        assert nn.Linear(2, 2).weight.is_meta
    assert torch.equal(generators.of(CPU).get_state(), Generators(5).of(CPU).get_state())


def test_generators_within_generators():
    outer, inner = Generators(1), Generators(2)
    with drawing_from(outer):
        with drawing_from(inner):
            got = torch.rand(3)
        assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(got, torch.rand(3, generator=torch.Generator().manual_seed(2)))


def test_every_operation_of_torch_that_draws_is_known():
    known = {function.__name__ for function in _TAKE_A_GENERATOR | _DRAW_WITHIN | _DROP} | _INNER
    schemas = torch._C._jit_get_all_schemas()
    draw = {
        schema.name.removeprefix("aten::")
        for schema in schemas
        if schema.name.startswith("aten::") and any(argument.name == "generator" for argument in schema.arguments)
    }
    assert draw - known == set()
