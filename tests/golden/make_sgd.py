#!/usr/bin/env python3
"""Runs torch.optim.SGD on a fixed sequence of gradients, in float32: sgd.json.

Run: python3 tests/golden/make_sgd.py       (PyTorch 1.13)

The parameter starts at x[i] = (i - 4) / 8 and step t has the gradient g[i] = ((3 i + 5 t) mod 7 - 3) / 4, i < 9, which
float32 holds exactly, so that every rounding is the optimiser's own.
"""
import json
import pathlib

import torch

CASES = [
    dict(lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False),
    dict(lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=False),
    dict(lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=False),
    dict(lr=0.05, momentum=0.8, weight_decay=1e-2, nesterov=True),
]

results = []
for case in CASES:
    x = torch.nn.Parameter((torch.arange(9, dtype=torch.float32) - 4) / 8)
    optimizer = torch.optim.SGD([x], foreach=False, **case)
    for t in range(5):
        x.grad = ((3 * torch.arange(9) + 5 * t) % 7 - 3).to(torch.float32) / 4
        optimizer.step()
    results.append(dict(case, values=x.detach().tolist()))
path = pathlib.Path(__file__).with_name("sgd.json")
path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
