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
    return [float(f"{v:.7g}") for v in tensor.detach().reshape(-1).tolist()]


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
        "running": [rounded(p) for p in ps if not p.requires_grad],
        "input_gradients": [[] if x.grad is None else rounded(x.grad) for x in xs],
        "parameter_gradients": [[] if p.grad is None else rounded(p.grad) for p in ps],
    }


def first(x):
    """Channels last to channels first: NHWC to NCHW, likewise sequences and volumes."""
    return x.movedim(-1, 1)


def last(x):
    """Channels first to channels last."""
    return x.movedim(1, -1)


def of_rank(name, shape):
    """F.conv2d for pictures, F.conv1d for sequences, F.conv3d for volumes."""
    return getattr(F, f"{name}{len(shape) - 2}d")


def pads(sides):
    """before, after of each axis as F.pad wants them: the last axis first."""
    return [n for i in range(len(sides) - 2, -1, -2) for n in sides[i:i + 2]]


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

case("relu6", F.relu6, ((2, 5, 7, 3), uniform(-4, 9)))
case("hard_sigmoid", F.hardsigmoid, ((2, 5, 7, 3), uniform(-4, 4)))
case("hard_swish", F.hardswish, ((2, 5, 7, 3), uniform(-4, 4)))
case("silu", F.silu, (2, 5, 7, 3))
case("silu_saturated", F.silu, ((2, 5, 7, 3), uniform(-100, 100)))
case("gelu", F.gelu, ((2, 5, 7, 3), uniform(-3, 3)))
case("gelu_saturated", F.gelu, ((2, 5, 7, 3), uniform(-100, 100)))
case("exp", torch.exp, ((2, 5, 7, 3), uniform(-4, 4)))
case("log", torch.log, ((2, 5, 7, 3), uniform(0.3, 3)))
case("sqrt", torch.sqrt, ((2, 5, 7, 3), uniform(0.3, 3)))
case("abs", torch.abs, ((2, 5, 7, 3), off_zero))
case("negate", torch.neg, (2, 5, 7, 3))
case("power_cube", lambda x: x ** 3, ((2, 5, 7, 3), off_zero))
case("power_fraction", lambda x: x ** 1.7, ((2, 5, 7, 3), uniform(0.3, 3)))
case("clip", lambda x: x.clamp(-0.4, 0.7), (2, 5, 7, 3))
case("softplus", F.softplus, ((2, 5, 7, 3), uniform(-4, 4)))
case("selu", F.selu, ((2, 5, 7, 3), off_zero))
case("mish", F.mish, ((2, 5, 7, 3), uniform(-4, 4)))
case("mish_saturated", F.mish, ((2, 5, 7, 3), uniform(-100, 100)))
case("smooth_abs", lambda x: F.smooth_l1_loss(x, torch.zeros_like(x), reduction="none", beta=0.5), (2, 5, 7, 3))
case("prelu", spatial(F.prelu), ((2, 5, 7, 3), off_zero), parameters=[Parameter(3)])
case("prelu_shared", spatial(F.prelu), ((2, 5, 7, 6), off_zero), parameters=[Parameter(1)])


# Convolution
def conv(name, shape, filters, kernel, stride=1, padding=None, dilation=1, groups=1, bias=True):
    """padding: before and after of each axis (top, bottom, left, right)."""
    axes = len(shape) - 2
    kernel = (kernel,) * axes if isinstance(kernel, int) else kernel
    padding = padding or (0,) * (2 * axes)
    parameters = [Parameter(filters, shape[-1] // groups, *kernel)] + ([Parameter(filters)] if bias else [])

    def function(x, w, b=None):
        return of_rank("conv", shape)(F.pad(x, pads(padding)), w, b, stride, 0, dilation, groups)

    case(name, spatial(function), shape, parameters=parameters)


conv("conv_1x1", (2, 5, 7, 3), 4, 1)
conv("conv_3x3", (2, 6, 7, 3), 4, 3, padding=(1, 1, 1, 1))
conv("conv_no_bias", (2, 5, 6, 2), 3, 3, bias=False)
conv("conv_stride", (2, 7, 8, 3), 5, 3, stride=2, padding=(1, 1, 1, 1))
conv("conv_unequal", (2, 7, 6, 3), 4, (3, 2), stride=(2, 1), padding=(1, 0, 2, 1))
conv("conv_dilation", (2, 9, 8, 3), 2, 3, dilation=(2, 3), padding=(1, 1, 1, 1))
conv("conv_groups", (2, 5, 6, 6), 9, 3, padding=(1, 1, 1, 1), groups=3)
conv("conv_depthwise", (2, 6, 7, 5), 5, 3, padding=(1, 1, 1, 1), groups=5)
conv("conv_depthwise_stride", (2, 7, 7, 3), 6, 3, stride=2, padding=(1, 1, 1, 1), groups=3)
conv("conv_same", (2, 5, 6, 3), 4, (4, 3), padding=(1, 2, 1, 1))
conv("conv_same_stride", (2, 7, 6, 3), 4, 3, stride=2, padding=(1, 1, 0, 1))
conv("conv_one_channel", (2, 9, 8, 1), 6, 5, padding=(2, 2, 2, 2))
conv("conv_whole_picture", (2, 4, 4, 3), 5, 4)
conv("conv_wide_padding", (2, 3, 3, 2), 3, 2, padding=(2, 2, 2, 2))
conv("conv_row", (2, 1, 9, 3), 4, (1, 3), padding=(0, 0, 1, 1))
conv("conv_1d", (2, 9, 3), 4, 3, padding=(1, 1))
conv("conv_1d_options", (2, 14, 6), 4, 3, 2, (2, 1), 2, 2, False)
conv("conv_1d_same", (2, 10, 5), 18, 4, 3, padding=(1, 2))
conv("conv_3d", (2, 4, 5, 6, 3), 4, 3, padding=(1,) * 6)
conv("conv_3d_unequal", (2, 5, 6, 7, 3), 4, (2, 3, 1), (2, 1, 3), (1, 0, 0, 2, 0, 1))
conv("conv_3d_options", (2, 5, 4, 3, 8), 12, 2, (1, 2, 1), (1, 1, 0, 0, 1, 1), (3, 1, 2), 4, False)
conv("conv_3d_same", (2, 5, 4, 6, 3), 4, (4, 3, 2), 2, (1, 2, 0, 1, 0, 0))


def conv_transpose(name, shape, filters, kernel, stride=1, padding=0, output_padding=0, dilation=1, groups=1,
                   bias=True, cut=None):
    """cut: before, after of each axis, taken away afterwards: padding that differs between the two."""
    axes = len(shape) - 2
    kernel = (kernel,) * axes if isinstance(kernel, int) else kernel
    parameters = [Parameter(shape[-1], filters // groups, *kernel)] + ([Parameter(filters)] if bias else [])

    def function(x, w, b=None):
        y = of_rank("conv_transpose", shape)(x, w, b, stride, padding, output_padding, groups, dilation)
        return F.pad(y, [-n for n in pads(cut)]) if cut else y

    case(name, spatial(function), shape, parameters=parameters)


conv_transpose("convt", (2, 5, 6, 3), 4, 3)
conv_transpose("convt_stride", (2, 5, 6, 3), 4, 3, 2, 1, 1, bias=False)
conv_transpose("convt_unequal", (2, 3, 4, 3), 9, (3, 2), (2, 3), (1, 0), (0, 2))
conv_transpose("convt_sides", (2, 4, 5, 3), 4, 3, 2, cut=(1, 0, 0, 2))
conv_transpose("convt_dilation", (2, 5, 4, 3), 5, 3, 1, 2, (1, 2), (2, 3))
conv_transpose("convt_groups", (2, 3, 4, 6), 9, 3, 2, groups=3)
conv_transpose("convt_gaps", (2, 2, 3, 3), 17, (2, 1), 3, 0, 2)
conv_transpose("convt_wide_padding", (2, 7, 6, 3), 4, 2, 1, 2)
conv_transpose("convt_1d", (2, 7, 3), 4, 4, 3, 1, 2, 2)
conv_transpose("convt_3d", (2, 2, 3, 2, 3), 4, 3, 2, 1, 1)
conv_transpose("convt_3d_options", (2, 2, 3, 4, 6), 4, (1, 2, 3), (2, 3, 1), (0, 1, 1), (1, 0, 0), (1, 1, 2), 2)

# Dense
case("dense", F.linear, (2, 13), parameters=[Parameter(7, 13), Parameter(7)])
case("dense_positions", F.linear, (2, 3, 4, 7), parameters=[Parameter(5, 7), Parameter(5)])
case("dense_no_bias", F.linear, (3, 5), parameters=[Parameter(4, 5)])


# Pooling
def max_pool(name, shape, kernel, stride, padding=None, ceil_mode=False):
    padding = padding or (0,) * (2 * (len(shape) - 2))
    before, after = padding[::2], padding[1::2]

    def function(x):
        return of_rank("max_pool", shape)(F.pad(x, pads(padding), value=-torch.inf), kernel, stride)

    def symmetric(x):
        return of_rank("max_pool", shape)(x, kernel, stride, before, ceil_mode=ceil_mode)

    case(name, spatial(symmetric if before == after else function), (shape, distinct))


def avg_pool(name, shape, kernel, stride, padding=None, ceil_mode=False, count_include_pad=True):
    padding = padding or (0,) * (2 * (len(shape) - 2))
    before, after = padding[::2], padding[1::2]

    def function(x):
        def average(t):
            return of_rank("avg_pool", shape)(F.pad(t, pads(padding)), kernel, stride)

        return average(x) if count_include_pad else average(x) / average(torch.ones_like(x))

    def symmetric(x):
        return of_rank("avg_pool", shape)(x, kernel, stride, before, ceil_mode, count_include_pad)

    case(name, spatial(symmetric if before == after else function), shape)


max_pool("max_pool", (2, 6, 8, 3), 2, 2)
max_pool("max_pool_odd", (2, 5, 7, 3), 2, 2)
max_pool("max_pool_overlap", (2, 7, 8, 3), 3, 2, (1, 1, 1, 1))
max_pool("max_pool_ceil", (2, 6, 7, 3), 3, 2, ceil_mode=True)
max_pool("max_pool_ceil_padded", (2, 5, 6, 3), 2, 2, (1, 1, 1, 1), ceil_mode=True)
max_pool("max_pool_unequal", (2, 7, 8, 5), (2, 3), (1, 2), (0, 1, 1, 0))
max_pool("max_pool_same", (2, 7, 6, 3), 3, 2, (1, 1, 0, 1))
avg_pool("avg_pool", (2, 6, 8, 3), 2, 2)
avg_pool("avg_pool_odd", (2, 5, 7, 3), 2, 2)
avg_pool("avg_pool_padded", (2, 7, 8, 3), 3, 2, (1, 1, 1, 1))
avg_pool("avg_pool_exclude_pad", (2, 7, 8, 3), 3, 2, (1, 1, 1, 1), count_include_pad=False)
avg_pool("avg_pool_ceil", (2, 6, 7, 3), 3, 2, (1, 1, 1, 1), ceil_mode=True)
avg_pool("avg_pool_ceil_exclude_pad", (2, 6, 7, 3), 3, 2, (1, 1, 1, 1), ceil_mode=True, count_include_pad=False)
avg_pool("avg_pool_unequal", (2, 7, 8, 5), (2, 3), (1, 2), (0, 1, 1, 0))
avg_pool("avg_pool_same", (2, 7, 6, 3), 3, 2, (1, 1, 0, 1), count_include_pad=False)
max_pool("max_pool_1d", (2, 9, 3), 2, 2)
max_pool("max_pool_1d_ceil", (2, 12, 5), 3, 2, (1, 1), ceil_mode=True)
avg_pool("avg_pool_1d", (2, 10, 6), 3, 2, (1, 1))
avg_pool("avg_pool_1d_same", (2, 10, 17), 4, 3, (1, 2), count_include_pad=False)
max_pool("max_pool_3d", (2, 4, 5, 6, 3), 2, 2)
max_pool("max_pool_3d_ceil", (2, 6, 5, 7, 3), 3, 2, ceil_mode=True)
max_pool("max_pool_3d_unequal", (2, 5, 6, 7, 5), (3, 2, 3), (2, 1, 2), (2, 0, 1, 0, 0, 1))
avg_pool("avg_pool_3d", (2, 4, 5, 6, 3), 2, 2)
avg_pool("avg_pool_3d_padded", (2, 5, 6, 7, 3), 3, 2, (1,) * 6)
avg_pool("avg_pool_3d_ceil", (2, 6, 5, 7, 3), 3, 2, (1,) * 6, ceil_mode=True)
avg_pool("avg_pool_3d_ceil_exclude_pad", (2, 6, 5, 7, 3), 3, 2, (1,) * 6, ceil_mode=True, count_include_pad=False)
case("global_avg_pool_3d", spatial(lambda x: F.adaptive_avg_pool3d(x, 1)), (2, 3, 4, 5, 3))
case("global_max_pool_1d", spatial(lambda x: F.adaptive_max_pool1d(x, 1)), ((2, 7, 3), distinct))
case("adaptive_avg_pool_1d", spatial(lambda x: F.adaptive_avg_pool1d(x, 4)), (2, 11, 3))
case("adaptive_avg_pool_3d", spatial(lambda x: F.adaptive_avg_pool3d(x, (2, 4, 3))), (2, 5, 4, 7, 3))
case("global_avg_pool", spatial(lambda x: F.adaptive_avg_pool2d(x, 1)), (2, 5, 7, 3))
case("adaptive_avg_pool", spatial(lambda x: F.adaptive_avg_pool2d(x, (3, 2))), (2, 7, 5, 3))
case("adaptive_avg_pool_up", spatial(lambda x: F.adaptive_avg_pool2d(x, (5, 7))), (2, 2, 3, 5))
case("global_max_pool", spatial(lambda x: F.adaptive_max_pool2d(x, 1)), ((2, 5, 7, 3), distinct))


# Batch normalisation
def batch_norm(name, shape, training, epsilon=1e-5, momentum=0.1):
    channels = shape[-1]
    parameters = [Parameter(channels, centre=1), Parameter(channels),
                  Parameter(channels, trainable=False), Parameter(channels, centre=1, trainable=False)]

    def function(x, weight, bias, mean, variance):
        y = F.batch_norm(x.reshape(-1, channels), mean, variance, weight, bias, training, momentum, epsilon)
        return y.reshape(x.shape)

    case(name, function, shape, parameters=parameters)


batch_norm("batch_norm", (2, 5, 7, 3), False)
batch_norm("batch_norm_training", (2, 5, 7, 3), True)
batch_norm("batch_norm_training_options", (3, 4, 4, 5), True, 1e-2, 0.3)
batch_norm("batch_norm_training_flat", (6, 13), True)
batch_norm("batch_norm_1d_training", (2, 9, 3), True)
batch_norm("batch_norm_3d_training", (2, 3, 4, 5, 3), True)


def layer_norm(name, shape, epsilon=1e-5, how=uniform()):
    channels = shape[-1:]
    case(name, lambda x, weight, bias: F.layer_norm(x, channels, weight, bias, epsilon), (shape, how),
         parameters=[Parameter(*channels, centre=1), Parameter(*channels)])


layer_norm("layer_norm", (2, 5, 7, 3))
layer_norm("layer_norm_flat", (5, 37), 1e-2)
layer_norm("layer_norm_far_from_zero", (2, 4, 5, 19), how=uniform(99, 101))


def group_norm(name, shape, groups, epsilon=1e-5, how=uniform(), affine=True):
    parameters = [Parameter(shape[-1], centre=1), Parameter(shape[-1])] if affine else []
    case(name, spatial(lambda x, weight=None, bias=None: F.group_norm(x, groups, weight, bias, epsilon)), (shape, how),
         parameters=parameters)


group_norm("group_norm", (2, 5, 7, 6), 3)
group_norm("group_norm_one", (2, 4, 3, 5), 1, 1e-2)
group_norm("group_norm_far_from_zero", (2, 4, 5, 8), 2, how=uniform(99, 101))
group_norm("group_norm_plain", (2, 4, 3, 6), 2, affine=False)
case("instance_norm", spatial(F.instance_norm), (2, 5, 7, 3))
case("local_response_norm", spatial(lambda x: F.local_response_norm(x, 5, 0.5, 0.75, 2)),
     ((2, 4, 5, 9), uniform(-4, 4)))
case("local_response_norm_even", spatial(lambda x: F.local_response_norm(x, 4, 0.3, 0.6, 1)),
     ((2, 4, 5, 19), uniform(-4, 4)))
case("scale", spatial(torch.mul), (2, 5, 7, 3), parameters=[Parameter(3, 1, 1)])

# Shape, elementwise
case("stochastic_depth", lambda x: x * 1, (2, 5, 7, 3))
case("flatten", lambda x: first(x).flatten(1), (2, 3, 4, 5))
case("flatten_1d", lambda x: first(x).flatten(1), (2, 5, 3))
case("flatten_3d", lambda x: first(x).flatten(1), (2, 2, 3, 4, 5))
case("spatial_dropout", lambda x: x * 1, (2, 5, 7, 3))
case("dropout", lambda x: F.dropout(x, 0.4, False), (2, 5, 7, 3))
case("add", torch.add, (2, 5, 7, 3), (2, 5, 7, 3))
case("add_channels", torch.add, (2, 5, 7, 3), (2, 1, 1, 3))
case("add_outer", torch.add, (2, 5, 1, 3), (2, 1, 7, 1))
case("multiply", torch.mul, (2, 5, 7, 3), (2, 5, 7, 3))
case("multiply_channels", torch.mul, (2, 5, 7, 3), (2, 1, 1, 3))
case("multiply_outer", torch.mul, (2, 5, 1, 3), (2, 1, 7, 1))
case("concatenate", lambda *xs: torch.cat(xs, -1), (2, 5, 4, 3), (2, 5, 4, 1), (2, 5, 4, 6))
case("concatenate_flat", lambda *xs: torch.cat(xs, -1), (2, 7), (2, 4))

# Shapes
case("reshape", lambda x: x.reshape(2, 3, 40), (2, 4, 6, 5))
case("transpose", lambda x: x.permute(0, 3, 1, 2), (2, 3, 5, 4))
case("depth_to_space", spatial(lambda x: F.pixel_shuffle(x, 2)), (2, 3, 4, 12))
case("space_to_depth", spatial(lambda x: F.pixel_unshuffle(x, 2)), (2, 6, 4, 3))
case("slice_steps", lambda x: x[:, 1::3, ::2, ::4], (2, 9, 8, 7))
case("slice_beyond", lambda x: x[:, -100:100, -2:], (2, 5, 4, 6))
case("slice_backward", lambda x: x.flip(2)[..., [4, 2]], (2, 5, 4, 6))
case("pad", lambda x: F.pad(x, (0, 0, 0, 3, 1, 2), value=0.5), (2, 4, 5, 3))
case("pad_crop", lambda x: F.pad(x, (0, 0, 1, -3, -1, 2), value=-1), (2, 5, 6, 3))
case("pad_reflect", spatial(lambda x: F.pad(x, (4, 3, 1, 2), mode="reflect")), (2, 4, 5, 3))
case("pad_edge", spatial(lambda x: F.pad(x, (6, 7, 1, 2), mode="replicate")), (2, 4, 5, 17))


def resize(name, shape, size=None, scale=None, mode="nearest", corners=None):
    def function(x):
        return F.interpolate(x, size, scale, mode, corners, recompute_scale_factor=False)

    case(name, spatial(function), shape)


resize("resize_nearest", (2, 3, 4, 5), scale=2.0)
resize("resize_nearest_size", (2, 5, 7, 3), (8, 4))
resize("resize_nearest_exact", (2, 5, 6, 3), (7, 9), mode="nearest-exact")
resize("resize_bilinear", (2, 3, 4, 5), scale=2.0, mode="bilinear", corners=False)
resize("resize_bilinear_size", (2, 5, 7, 3), (8, 4), mode="bilinear", corners=False)
resize("resize_bilinear_scale", (2, 5, 7, 3), scale=(1.7, 0.6), mode="bilinear", corners=False)
resize("resize_bilinear_corners", (2, 4, 5, 3), (7, 3), mode="bilinear", corners=True)
resize("resize_bilinear_corners_one", (2, 4, 5, 3), (1, 9), mode="bilinear", corners=True)
resize("resize_bicubic", (2, 5, 4, 3), (9, 11), mode="bicubic", corners=False)
resize("resize_bicubic_down", (2, 9, 8, 3), (4, 5), mode="bicubic", corners=False)
resize("resize_bicubic_corners", (2, 5, 4, 17), (3, 6), mode="bicubic", corners=True)
case("resize_row", lambda x: F.interpolate(x.permute(0, 2, 1), 12, mode="linear").permute(0, 2, 1), (2, 7, 3))
case("resize_volume", lambda x: F.interpolate(x.permute(0, 4, 1, 2, 3), (3, 5, 4), mode="trilinear").permute(
    0, 2, 3, 4, 1), (2, 2, 3, 2, 3))

case("reduce_mean", lambda x: x.mean((1, 2)), ((2, 5, 7, 3), uniform(-0.5, 1.5)))
case("reduce_mean_keep", lambda x: x.mean((1, 2), keepdim=True), ((2, 5, 7, 3), uniform(-0.5, 1.5)))
case("reduce_sum", lambda x: x.sum(2), ((3, 5, 7, 3), uniform(-0.5, 1.5)))
case("reduce_sum_all", lambda x: x.sum().reshape(1), ((3, 4, 5, 6), uniform(-0.5, 1.5)))
case("reduce_max", lambda x: x.amax((1, 2)), ((2, 5, 7, 3), distinct))
case("reduce_min", lambda x: x.amin((2, 3)), ((2, 5, 7, 3), distinct))
case("subtract", torch.sub, (2, 5, 7, 3), (2, 5, 7, 3))
case("subtract_from_channels", torch.sub, (2, 1, 1, 17), (2, 5, 7, 17))
case("divide", torch.div, (2, 5, 7, 3), ((2, 5, 7, 3), uniform(0.5, 2)))
case("divide_outer", torch.div, (2, 5, 1, 3), ((2, 1, 7, 1), uniform(-2, -0.5)))
case("minimum_pixels", torch.minimum, ((2, 3, 4, 17), off_zero), ((2, 3, 4, 1), uniform(-0.04, 0.04)))
case("maximum_outer", torch.maximum, ((2, 5, 1, 3), off_zero), ((2, 1, 7, 1), uniform(-0.04, 0.04)))

# Softmax and losses
case("softmax", lambda x: F.softmax(x, -1), (2, 11))
case("softmax_pixels", lambda x: F.softmax(x, -1), (2, 3, 4, 5))
case("softmax_wide_range", lambda x: F.softmax(x, -1), ((2, 11), uniform(-200, 200)))
case("log_softmax", lambda x: F.log_softmax(x, -1), (2, 11))
case("log_softmax_wide_range", lambda x: F.log_softmax(x, -1), ((2, 11), uniform(-200, 200)))


def cross_entropy(logits, labels):
    return F.cross_entropy(logits, labels.detach().long()).reshape(1)


case("cross_entropy", cross_entropy, (5, 10), ((5,), classes(10)))
case("cross_entropy_wide_range", cross_entropy, ((5, 7), uniform(-200, 200)), ((5,), classes(7)))
case("cross_entropy_smoothed",
     lambda x, y: F.cross_entropy(x, y.detach().long(), label_smoothing=0.1).reshape(1), (5, 10), ((5,), classes(10)))
case("soft_cross_entropy", lambda x, y: F.cross_entropy(x, y.detach()).reshape(1), (5, 10), ((5, 10), uniform(0, 1)))
case("hinge", lambda x, y: x.shape[1] * F.multi_margin_loss(x, y.detach().long()).reshape(1),
     ((6, 10), uniform(-2, 2)), ((6,), classes(10)))
case("weighted_sum", lambda a, b: a + 0.3 * b, (2, 3, 4), (2, 3, 4))
case("mse", lambda a, b: F.mse_loss(a, b).reshape(1), (3, 7), (3, 7))
case("mse_pictures", lambda a, b: F.mse_loss(a, b).reshape(1), (2, 4, 5, 3), (2, 4, 5, 3))

path = pathlib.Path(__file__).with_name("ops.json")
lines = [f'"{name}": {json.dumps(values, separators=(",", ":"))}' for name, values in golden.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{path.name}: {len(golden)} cases, {path.stat().st_size} bytes")
