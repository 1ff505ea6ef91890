#!/usr/bin/env python3
"""Computes outputs and gradients of op cases (tests/op_cases.cpp, by name) with PyTorch in float64: ops.json.

Run: python3 tests/golden/make_ops.py       (PyTorch 1.13, NumPy)

Inputs are not stored: they are Philox numbers that tests/op_cases.cpp draws too. Shapes here are channels last as in
Fovea, batch first; torch sees them channels first.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

MASK = (1 << 32) - 1


def philox(seed, stream, counters):
    """Philox 4x32-10 (Salmon et al. 2011): four 32-bit words for each counter, as fovea::Random::block."""
    counters = np.asarray(counters, dtype=np.uint64)
    low, shift = np.uint64(MASK), np.uint64(32)
    c = [counters & low, counters >> shift,
         np.full_like(counters, stream & MASK), np.full_like(counters, stream >> 32)]
    k0, k1 = seed & MASK, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> shift) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> shift) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return np.stack(c, axis=-1)


class Random:
    def __init__(self, seed, stream=0):
        self.seed, self.stream = seed, stream

    def substream(self, stream):
        words = [int(w) for w in philox(self.seed, self.stream, [~stream & (2**64 - 1)])[0]]
        return Random(words[0] << 32 | words[1], words[2] << 32 | words[3])

    def uniform(self, count):
        words = philox(self.seed, self.stream, range((count + 3) // 4)).reshape(-1)[:count]
        return (words >> np.uint64(8)).astype(np.float64) * 2.0**-24

    def below(self, i, n):
        words = [int(w) for w in philox(self.seed, self.stream, [i])[0]]
        return (words[0] * n + (words[1] * n >> 32)) >> 32


def uniform(low=-1.0, high=1.0):
    return lambda random, count: low + (high - low) * random.uniform(count)


def off_zero(random, count):
    values = 2 * random.uniform(count) - 1
    return values + np.where(values < 0, -0.05, 0.05)


def distinct(random, count):
    order = [i - count // 2 for i in range(count)]
    for i in range(count, 1, -1):
        j = random.below(i, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return np.array(order) / 512


def classes(n):
    return lambda random, count: np.array([random.below(i, n) for i in range(count)], dtype=np.float64)


def draw(how, shape, stream):
    """Rounded to float32, as Fovea's inputs are."""
    values = how(Random(1).substream(stream), int(np.prod(shape)))
    return torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape))


def rounded(tensor):
    return [float(f"{v:.8g}") for v in tensor.detach().reshape(-1).tolist()]


class Parameter:
    def __init__(self, *shape, centre=0.0, trainable=True):
        self.shape, self.centre, self.trainable = shape, centre, trainable


golden = {}


def case(name, function, *inputs, parameters=()):
    """inputs: (shape, how) or a shape, drawn uniformly. function: of the input and parameter tensors."""
    inputs = [i if callable(i[-1]) else (i, uniform()) for i in inputs]
    xs = [draw(how, shape, i) for i, (shape, how) in enumerate(inputs)]
    ps = [draw(uniform(p.centre - 0.5, p.centre + 0.5), p.shape, 100 + i) for i, p in enumerate(parameters)]
    for p, spec in zip(ps, parameters):
        p.requires_grad_(spec.trainable)
    for x in xs:
        x.requires_grad_()
    y = function(*xs, *ps)
    y.backward(draw(uniform(), tuple(y.shape), 200))
    golden[name] = {
        "output": rounded(y),
        "parameters": [rounded(p) for p in ps],
        "input_gradients": [[] if x.grad is None else rounded(x.grad) for x in xs],
        "parameter_gradients": [[] if p.grad is None else rounded(p.grad) for p in ps],
    }


def first(x):
    """NHWC to NCHW."""
    return x.permute(0, 3, 1, 2)


def last(x):
    """NCHW to NHWC."""
    return x.permute(0, 2, 3, 1)


def spatial(function):
    """A function on channels-first tensors as one on channels-last."""
    return lambda x, *rest: last(function(first(x), *rest))


# Pointwise
case("relu", F.relu, ((2, 5, 7, 3), off_zero))
case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), ((2, 5, 7, 3), off_zero))
case("elu", F.elu, ((2, 5, 7, 3), off_zero))
case("elu_alpha", lambda x: F.elu(x, 0.3), ((2, 4, 4, 5), off_zero))
case("sigmoid", torch.sigmoid, (2, 5, 7, 3))
case("sigmoid_saturated", torch.sigmoid, ((2, 5, 7, 3), uniform(-200, 200)))
case("tanh", torch.tanh, (2, 5, 7, 3))

path = pathlib.Path(__file__).with_name("ops.json")
lines = [f'"{name}": {json.dumps(values, separators=(",", ":"))}' for name, values in golden.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{path.name}: {len(golden)} cases, {path.stat().st_size} bytes")
