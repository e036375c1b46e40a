# ruff: noqa: D101, D102 (their forward passes need no words)
"""Networks as people bring them, tiny: each kind with a batch, its loss, and its layers as told by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from movingtarget.measures.objective import Loss

BATCH, FEATURES, WIDTH, CLASSES = 6, 3, 4, 3


class Kind(NamedTuple):
    """A network of some kind.

    Attributes:
        network: in double precision, unless it is about another.
        inputs: a tensor, a tuple of arguments, or arguments by name.
        labels: what the loss takes.
        layers: the parameters of each layer in the order of a forward pass, or the layers' names, each of
            which then has those parameters that begin with it.
        loss: the mean cross-entropy if none.
        asked: the layers that measures are asked for, if not those they find.
        plain: the same network without what has no influence on its values, for the slow computation.
        tolerance: relative, of what has no second derivatives.
        step: how far the parameters are moved.
    """

    network: nn.Module
    inputs: Any
    labels: Any
    layers: Mapping[str, Sequence[str]] | Sequence[str]
    loss: Loss | None = None
    asked: Mapping[str, Sequence[str]] | Sequence[str] | None = None
    plain: nn.Module | None = None
    tolerance: float = 1e-8
    step: float = 0.1


def features(*more: int) -> Tensor:
    return torch.randn(BATCH, *more, FEATURES).double()


def classes() -> Tensor:
    return torch.arange(BATCH) % CLASSES


def parts() -> list[nn.Module]:
    return [nn.Linear(FEATURES, WIDTH), nn.Tanh(), nn.Linear(WIDTH, CLASSES)]


def plainly(network: nn.Module, layers: Mapping[str, Sequence[str]] | str, **more: Any) -> Kind:
    """A network of features, in double precision, whose layers stand in one line."""
    named = layers.split() if isinstance(layers, str) else layers
    return Kind(network.double(), features(), classes(), named, **more)


def sequential() -> Kind:
    return plainly(nn.Sequential(*parts()), "0 2")


class OwnInit(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(*parts())


class OwnForward(nn.Sequential):
    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = super().forward(inputs)
        return outputs / 4


def nested() -> Kind:
    inner = nn.Sequential(nn.Sequential(nn.Linear(WIDTH, 2)), nn.Tanh())
    network = nn.Sequential(nn.Sequential(*parts()[:2]), inner, nn.Sequential(nn.Linear(2, CLASSES)))
    return plainly(network, "0.0 1.0.0 2.0")


def convnet(training: bool) -> Kind:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, CLASSES)
    )
    network.get_submodule("1").register_buffer("running_mean", torch.tensor([0.3, -0.1]))
    network.double().train(training)
    return Kind(network, torch.randn(BATCH, 1, 4, 4).double(), classes(), ["0", "1", "4"])


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, stream: Tensor) -> Tensor:
        return stream + torch.tanh(self.linear(self.norm(stream)))


class Residual(nn.Module):
    """Registered in another order than it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, CLASSES)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.stem = nn.Linear(FEATURES, WIDTH)

    def forward(self, inputs: Tensor) -> Tensor:
        stream = self.stem(inputs)
        for block in self.blocks:
            stream = block(stream)
        outputs: Tensor = self.head(stream)
        return outputs


RESIDUAL = "stem blocks.0.norm blocks.0.linear blocks.1.norm blocks.1.linear head"


def residual() -> Kind:
    return plainly(Residual(), RESIDUAL)


def blocks() -> Kind:
    """Layers as the names of parts, one of which holds others."""
    found = {
        "stem": ["stem.weight", "stem.bias"],
        "blocks.0": [
            f"blocks.0.{name}" for name in ("norm.weight", "norm.bias", "linear.weight", "linear.bias")
        ],
        "head": ["head.weight", "head.bias"],
    }
    return plainly(Residual(), found, asked=["stem", "blocks.0", "head"])


def mapping() -> Kind:
    """Layers as names of parameters, of some alone, and not in the order of a forward pass."""
    found = {"head": ["head.bias"], "stem": ["stem.weight", "blocks.1.norm.weight"]}
    return plainly(Residual(), found, asked=found)


class Transformer(nn.Module):
    """Embedding and decoder share a matrix; the first token is the root's own."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 2))
        self.embedding = nn.Embedding(5, 2)
        self.attention = nn.MultiheadAttention(2, 1, batch_first=True)
        self.norm = nn.LayerNorm(2)
        self.decoder = nn.Linear(2, 5, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        stream = torch.cat([self.token.expand(len(tokens), -1, -1), self.embedding(tokens)], 1)
        mixed, _ = self.attention(stream, stream, stream, key_padding_mask=mask)
        outputs: Tensor = self.decoder(self.norm(stream + mixed)[:, 0])
        return outputs


TRANSFORMER = {
    "": ["token"],
    "embedding": ["embedding.weight"],
    "attention": [
        f"attention.{name}" for name in ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    ],
    "norm": ["norm.weight", "norm.bias"],
}


def tokens() -> Tensor:
    return torch.randint(5, (BATCH, 3))


def transformer() -> Kind:
    return Kind(Transformer().double(), tokens(), classes(), TRANSFORMER)


def sparse() -> Kind:
    """Gradients of an embedding that hold its few rows."""

    def network(sparse: bool) -> nn.Module:
        return nn.Sequential(nn.Embedding(5, 2, sparse=sparse), nn.Flatten(), nn.Linear(6, CLASSES)).double()

    return Kind(network(True), tokens(), classes(), ["0", "2"], plain=network(False))


def by_name() -> Kind:
    """A mapping is the batch: given to the network by name, and to the loss whole."""
    batch = {"tokens": tokens(), "mask": torch.arange(4).expand(BATCH, 4) > 2}
    return Kind(Transformer().double(), batch, batch, TRANSFORMER, last_token)


def last_token(outputs: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    return F.cross_entropy(outputs, batch["tokens"][:, -1])


def encoder(training: bool) -> Kind:
    class Encoder(nn.Sequential):
        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = super().forward(inputs).mean(1)
            return outputs

    layer = nn.TransformerEncoderLayer(2, 1, 3, dropout=0.2, batch_first=True)
    network = Encoder(nn.Linear(FEATURES, 2), layer, nn.Linear(2, CLASSES)).double().train(training)
    names = ["0", "1.self_attn", "1.norm1", "1.linear1", "1.linear2", "1.norm2", "2"]
    return Kind(network, features(2), classes(), names)


class Twice(nn.Module):
    """One layer called three times, and one norm at each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.layer = nn.Linear(FEATURES, CLASSES), nn.Linear(FEATURES, FEATURES)
        self.norm = nn.BatchNorm1d(FEATURES)

    def forward(self, inputs: Tensor) -> Tensor:
        for _ in range(3):
            inputs = self.norm(torch.tanh(self.layer(inputs)))
        outputs: Tensor = self.head(inputs)
        return outputs


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent, self.head = nn.LSTM(FEATURES, 2, batch_first=True), nn.Linear(2, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.recurrent(inputs)[0][:, -1])
        return outputs


def recurrent() -> Kind:
    return Kind(Recurrent().double(), features(3), classes(), ["recurrent", "head"])


class Two(nn.Module):
    """Two arguments, and outputs by name: a loss of its own takes them."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(FEATURES, 2), nn.Linear(FEATURES, 2)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        return {"left": torch.tanh(self.left(left)), "right": torch.tanh(self.right(right))}


def apart(outputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
    return ((outputs["left"] - outputs["right"]).square().sum(1) * labels).mean()


def dictionary() -> Kind:
    return Kind(Two().double(), [features(), features()], classes(), ["left", "right"], apart)


def bilinear() -> Kind:
    return Kind(nn.Bilinear(FEATURES, 2, CLASSES).double(), (features(), features()[:, :2]), classes(), [""])


def frozen() -> Kind:
    kind = sequential()
    kind.network.get_submodule("0").requires_grad_(False)
    return kind


class Unused(nn.Module):
    """A parameter, and a whole part, that the outputs do not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.auxiliary = nn.Linear(FEATURES, CLASSES), nn.Linear(FEATURES, 2)
        self.spare = nn.Parameter(torch.randn(2))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.used(inputs)
        return outputs


def unused() -> Kind:
    layers = {"": ["spare", "auxiliary.weight", "auxiliary.bias"], "used": ["used.weight", "used.bias"]}
    return plainly(Unused(), layers)


class Scaled(nn.Module):
    """One of its parameters is a single number, without an axis."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.scale = nn.Linear(FEATURES, CLASSES), nn.Parameter(torch.tensor(1.5))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale * torch.tanh(self.layer(inputs))


def in_precision(precision: torch.dtype, tolerance: float) -> Kind:
    """All of it in another precision, beside double: a few of its digits, of values in their own size."""
    network = nn.Sequential(
        nn.Linear(FEATURES, WIDTH), nn.BatchNorm1d(WIDTH), nn.Tanh(), nn.Linear(WIDTH, CLASSES)
    )
    return Kind(
        network.to(precision),
        features().to(precision),
        classes(),
        ["0", "1", "3"],
        tolerance=tolerance,
        step=0.5,
    )


class Autocast(nn.Module):
    def __init__(self, enabled: bool) -> None:
        super().__init__()
        self.enabled = enabled
        self.inner = nn.Sequential(*parts())

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.enabled):
            outputs: Tensor = self.inner(inputs)
        return outputs


def autocast() -> Kind:
    """Single precision outside, half of it inside."""
    parts_of = Autocast(enabled=True), features().float(), classes(), ["inner.0", "inner.2"]
    return Kind(*parts_of, plain=Autocast(enabled=False), tolerance=0.05, step=0.5)


def dropout() -> Kind:
    return plainly(nn.Sequential(*parts()[:2], nn.Dropout(0.4), parts()[2]), "0 3")


class OwnNorm(nn.Module):
    """Batch norm as a function; its running statistics are written to, its count is each time a new one."""

    running: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("running", torch.zeros(WIDTH))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen = self.seen + 1
        return F.batch_norm(inputs, self.running, torch.ones_like(self.running), training=True)


def own_norm() -> Kind:
    return plainly(nn.Sequential(parts()[0], OwnNorm(), *parts()[1:]), "0 3")


def parametrised(wrap: Callable[[nn.Module], nn.Module]) -> Kind:
    first, transfer, second = parts()
    network = nn.Sequential(wrap(first), transfer, second)
    first_names = [name for name, _ in network.named_parameters() if name.startswith("0.")]
    return plainly(network, {"0": first_names, "2": ["2.weight", "2.bias"]})


class Keep(nn.Module):
    """It keeps what it saw, which cannot be copied deeply then, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.kept, self.seen = 0, torch.zeros(1), [torch.zeros(1)]

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        self.kept = inputs
        self.seen.append(inputs)
        return inputs


def keeps() -> Kind:
    first, transfer, second = parts()
    kind = plainly(nn.Sequential(first, transfer, Keep(), second), "0 3")
    kind.network(kind.inputs)
    return kind


def hooked() -> Kind:
    """Hooks take part in what is computed."""
    kind = sequential()
    first = kind.network.get_submodule("0")
    first.register_forward_hook(lambda part, inputs, outputs: 2 * outputs)
    first.register_forward_pre_hook(lambda part, inputs: (inputs[0] + 0.5,))
    kind.network.register_forward_hook(lambda part, inputs, outputs: outputs / 2)
    return kind


class Plain(nn.Sequential):
    """Not known to be a chain."""


def in_place() -> Kind:
    def part(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.LeakyReLU(0.5, inplace=True), nn.Linear(inputs, outputs))

    network = Plain(part(FEATURES, WIDTH), part(WIDTH, CLASSES))
    layers = {"0": ["0.1.weight", "0.1.bias"], "1": ["1.1.weight", "1.1.bias"]}
    return plainly(network, layers, asked=["0", "1"])


def compiled() -> Kind:
    kind = sequential()
    network: Any = torch.compile(kind.network, backend="eager")
    return kind._replace(network=network, plain=sequential().network)


class Half(nn.Module):
    def __init__(self, compiled: bool) -> None:
        super().__init__()
        body = nn.Sequential(*parts()[:2])
        self.body = torch.compile(body, backend="eager") if compiled else body
        self.head = parts()[2]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(inputs))
        return outputs


def compiled_part() -> Kind:
    return plainly(Half(True), "body._orig_mod.0 head", plain=Half(False).double())


class Listed(nn.Module):
    """Its matrices are in a list, which is no part that could be called."""

    def __init__(self) -> None:
        super().__init__()
        self.matrices = nn.ParameterList([torch.randn(FEATURES, WIDTH), torch.randn(WIDTH, WIDTH)])
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        for matrix in self.matrices:
            inputs = torch.tanh(inputs @ matrix)
        outputs: Tensor = self.head(inputs)
        return outputs


KINDS: dict[str, Callable[[], Kind]] = {
    "Sequential": sequential,
    "Sequential with an own init": lambda: plainly(OwnInit(), "0 2"),
    "Sequential with an own forward": lambda: plainly(OwnForward(*parts()), "0 2"),
    "nested Sequentials": nested,
    "convnet": lambda: convnet(True),
    "convnet in eval mode": lambda: convnet(False),
    "residual": residual,
    "transformer": transformer,
    "sparse": sparse,
    "encoder layer": lambda: encoder(True),
    "encoder layer in eval mode": lambda: encoder(False),
    "parts called thrice": lambda: plainly(Twice(), "layer norm head"),
    "recurrent": recurrent,
    "outputs by name": dictionary,
    "inputs by name": by_name,
    "several inputs": bilinear,
    "frozen": frozen,
    "unused": unused,
    "a parameter without axes": lambda: plainly(
        Scaled(), {"": ["scale"], "layer": ["layer.weight", "layer.bias"]}
    ),
    "float32": lambda: in_precision(torch.float32, 1e-4),
    "float16": lambda: in_precision(torch.float16, 0.02),
    "bfloat16": lambda: in_precision(torch.bfloat16, 0.1),
    "autocast": autocast,
    "dropout": dropout,
    "a batch norm of its own": own_norm,
    "weight norm": lambda: parametrised(weight_norm),
    # in training mode it follows the parameters, which autograd does not see
    "spectral norm": lambda: parametrised(lambda part: spectral_norm(part).eval()),
    "keeps tensors": keeps,
    "hooked": hooked,
    "in place": in_place,
    "compiled": compiled,
    "compiled in part": compiled_part,
    "a list of parameters": lambda: plainly(
        Listed(), {"matrices": ["matrices.0", "matrices.1"], "head": ["head.weight", "head.bias"]}
    ),
    "blocks": blocks,
    "layers by name": mapping,
}
"""How each is made; the seed of torch's random numbers decides about its parameters and batch."""


def made(kind: str) -> Kind:
    torch.manual_seed(3)
    return KINDS[kind]()
