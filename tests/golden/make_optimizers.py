#!/usr/bin/env python3
"""Trajectories of optimisers over fixed gradients, in float32: optimizers.json.

Run: python3 tests/golden/make_optimizers.py       (PyTorch 1.13)

Three parameters of shapes (4, 6), (4,) and (2, 4). Element i of parameter p starts at
((37 i + 11 p) mod 29 - 14) / 16 and has at step t the gradient ((37 i^2 + 11 i t + 101 p + 29 t^2) mod 103 - 51) / 64,
which float32 holds exactly, so that every rounding is the optimiser's own. "text" is the optimiser as parse_optimizer
reads it, "values" the parameters after 10 steps, one after the other.

RMSprop, Adagrad, Adam, AdamW are torch.optim's. Lion, LAMB and Muon, which PyTorch 1.13 has not, are written out from
the papers; Muon from https://github.com/KellerJordan/Muon, with Newton and Schulz's iteration in float64.
"""
import json
import math
import pathlib

import torch

SHAPES = [(4, 6), (4,), (2, 4)]
STEPS = 10


def parameters():
    result = []
    for p, shape in enumerate(SHAPES):
        i = torch.arange(math.prod(shape))
        result.append(torch.nn.Parameter((((37 * i + 11 * p) % 29 - 14).to(torch.float32) / 16).reshape(shape)))
    return result


def set_gradients(params, t):
    for p, x in enumerate(params):
        i = torch.arange(x.numel())
        g = (37 * i * i + 11 * i * t + 101 * p + 29 * t * t) % 103 - 51
        x.grad = (g.to(torch.float32) / 64).reshape(x.shape)


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for x in group["params"]:
                m = self.state[x].setdefault("m", torch.zeros_like(x))
                update = torch.sign(beta1 * m + (1 - beta1) * x.grad)
                x.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * update)
                m.mul_(beta2).add_(x.grad, alpha=1 - beta2)


class Lamb(torch.optim.Optimizer):
    """You et al. 2020, algorithm 2, phi the identity."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for x in group["params"]:
                state = self.state[x]
                t = state["t"] = state.get("t", 0) + 1
                m = state.setdefault("m", torch.zeros_like(x))
                s = state.setdefault("s", torch.zeros_like(x))
                m.mul_(beta1).add_(x.grad, alpha=1 - beta1)
                s.mul_(beta2).addcmul_(x.grad, x.grad, value=1 - beta2)
                r = (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + group["eps"]) + group["weight_decay"] * x
                ratio = 1.0 if x.norm() == 0 or r.norm() == 0 else (x.norm() / r.norm()).item()
                x.sub_(group["lr"] * ratio * r)


def orthogonalise(g, steps=5):
    a, b, c = (3.4445, -4.7750, 2.0315)
    x = g.double()
    if g.size(0) > g.size(1):
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if g.size(0) > g.size(1) else x).float()


class Muon(torch.optim.Optimizer):
    """Hidden weights; the others get Adam with decoupled weight decay, which is torch.optim.AdamW."""

    def __init__(self, params, lr=0.02, momentum=0.95, nesterov=True, weight_decay=0.0, adam_lr=3e-4):
        hidden, *rest = params
        super().__init__([hidden], dict(lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay))
        self.rest = torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.95), eps=1e-10, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for x in group["params"]:
                v = self.state[x].setdefault("v", torch.zeros_like(x))
                v.lerp_(x.grad, 1 - group["momentum"])
                u = x.grad.lerp(v, group["momentum"]) if group["nesterov"] else v
                u = orthogonalise(u.reshape(len(u), -1)).reshape(x.shape)
                u = u * max(1, x.size(0) / (x.numel() / x.size(0))) ** 0.5
                x.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * u)
        self.rest.step()


CASES = [
    ("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.01)),
    ("rmsprop lr 0.02 alpha 0.9 momentum 0.8 weight-decay 0.01",
     lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.9, momentum=0.8, weight_decay=0.01)),
    ("rmsprop alpha 0.95 epsilon 1e-3 centered",
     lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-3, centered=True)),
    ("adagrad", lambda p: torch.optim.Adagrad(p)),
    ("adagrad lr 0.1 lr-decay 0.1 weight-decay 0.05",
     lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.05)),
    ("adam", lambda p: torch.optim.Adam(p)),
    ("adam lr 0.05 beta1 0.8 beta2 0.9 epsilon 1e-4 weight-decay 0.1",
     lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.1)),
    ("adam lr 0.02 beta2 0.5 amsgrad", lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.9, 0.5), amsgrad=True)),
    ("adamw", lambda p: torch.optim.AdamW(p)),
    ("adamw lr 0.03 weight-decay 0.3 amsgrad", lambda p: torch.optim.AdamW(p, lr=0.03, weight_decay=0.3, amsgrad=True)),
    ("lion", lambda p: Lion(p, lr=1e-4)),
    ("lion lr 0.01 beta1 0.8 beta2 0.9 weight-decay 0.2",
     lambda p: Lion(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.2)),
    ("lamb", lambda p: Lamb(p, lr=1e-3)),
    ("lamb lr 0.05 beta2 0.9 weight-decay 0.1", lambda p: Lamb(p, lr=0.05, betas=(0.9, 0.9), weight_decay=0.1)),
    ("muon", lambda p: Muon(p)),
    ("muon lr 0.1 momentum 0.8 no-nesterov weight-decay 0.1 adam-lr 0.01",
     lambda p: Muon(p, lr=0.1, momentum=0.8, nesterov=False, weight_decay=0.1, adam_lr=0.01)),
]

results = []
for text, make in CASES:
    params = parameters()
    optimizer = make(params)
    for t in range(STEPS):
        set_gradients(params, t)
        optimizer.step()
    results.append(dict(text=text, values=[v for x in params for v in x.detach().flatten().tolist()]))
path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
