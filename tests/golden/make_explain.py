#!/usr/bin/env python3
"""Attributions of a small network by PyTorch: explain.json.

Run: python3 tests/golden/make_explain.py       (PyTorch 1.13)

Number i of parameter k (in the order of the state dict) is 0.3 sin(1 + k + 1.7 i), number i of the input, {1, 2, 8, 8},
sin(0.5 + 0.37 i). Maps of the input are {2, 8, 8}, those of the last feature map {4, 4}, both flattened.
"""
import json
import math
import pathlib

import torch
from torch import nn

network = nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU6(),
    nn.Flatten(), nn.Linear(6 * 4 * 4, 3))
with torch.no_grad():
    for k, parameter in enumerate(network.parameters()):
        values = [0.3 * math.sin(1 + k + 1.7 * i) for i in range(parameter.numel())]
        parameter.copy_(torch.tensor(values).reshape(parameter.shape))
picture = torch.tensor([math.sin(0.5 + 0.37 * i) for i in range(128)]).reshape(1, 2, 8, 8)


def guided(module, into, out):
    return (into[0].clamp(min=0),)


def deconvnet(module, into, out):
    return (out[0].clamp(min=0),)


def input_gradient(target, rule=None):
    relus = [m for m in network if isinstance(m, (nn.ReLU, nn.ReLU6))]
    hooks = [m.register_full_backward_hook(rule) for m in relus] if rule else []
    x = picture.clone().requires_grad_()
    network(x)[0, target].backward()
    for hook in hooks:
        hook.remove()
    return x.grad.flatten().tolist()


def class_activation(target, weigh):
    value = network[:5](picture).detach().requires_grad_()
    network[5:](value)[0, target].backward()
    weights = weigh(value, value.grad).sum((2, 3), keepdim=True)
    return torch.relu((weights * value).sum(1)).detach().flatten().tolist()


def grad_cam(value, g):
    return g / 16


def grad_cam_plus_plus(value, g):
    below = 2 * g**2 + g**3 * value.sum((2, 3), keepdim=True)
    return torch.where(below == 0, torch.zeros_like(g), g**2 / below) * torch.relu(g)


results = []
for target in range(3):
    results.append({
        "target": target,
        "logits": network(picture)[0].tolist(),
        "gradient": input_gradient(target),
        "guided": input_gradient(target, guided),
        "deconvnet": input_gradient(target, deconvnet),
        "grad_cam": class_activation(target, grad_cam),
        "grad_cam_plus_plus": class_activation(target, grad_cam_plus_plus),
    })
path = pathlib.Path(__file__).with_name("explain.json")
path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
