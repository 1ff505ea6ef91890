#!/usr/bin/env python3
"""What torchvision's networks are and compute: zoo.json, for tests/zoo_parity_test.cpp.

Run: python3 tests/golden/make_zoo.py       (PyTorch 1.13, torchvision 0.14)

networks: for each network its trainable parameters, the multiply-adds of its convolutions and dense layers for one
picture, and the FNV-1a hash of its state dict's names and shapes, sorted, a line each.

passes: one pass forward and backward in float64, evaluation mode, with parameters and input made by draw() below from
their names and no file. The output is stored whole, followed by those of the auxiliary heads; of a gradient, its norm and its product with draw(its name + "'"):
an error of the gradient shows in the product as large as itself.
"""
import json
import pathlib
import sys
import warnings

import numpy as np
import torch
import torchvision.models as models
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
import networks  # noqa: E402

warnings.filterwarnings("ignore")
for initialiser in dir(nn.init):  # nobody looks at fresh weights here, and they take minutes
    if initialiser.endswith("_") and not initialiser.startswith("_"):
        setattr(nn.init, initialiser, lambda tensor, *args, **kwargs: tensor)


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def draw(name, count):
    """Element i of the tensor `name`, in [-1, 1): an integer hash (Wellons 2018, lowbias32) of both."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(fnv(name) & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1


def fill(name, shape):
    """Weights that keep the scale of their input; what scales is around 1, other vectors around 0. In float32."""
    count = int(np.prod(shape))
    u = draw(name, count)
    if len(shape) in (2, 4):
        values = u * np.sqrt(3 / (count // shape[0]))
    elif name.endswith(("running_var", "layer_scale")) or name.endswith("weight"):
        values = 1 + u / 4
    else:
        values = u / 8
    return torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape))


class Cifar(nn.Module):
    """He et al. 2016, section 4.2, with 1x1 shortcuts, of torchvision's blocks."""

    def __init__(self, n, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        channels = 16
        for stage, filters in enumerate((16, 32, 64)):
            blocks = []
            for i in range(n):
                stride = 2 if stage > 0 and i == 0 else 1
                change = stride != 1 or channels != filters
                downsample = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
                blocks.append(models.resnet.BasicBlock(channels, filters, stride, downsample if change else None))
                channels = filters
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.conv1(x)
        x = torch.relu(self.bn1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


CIFAR = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9, "resnet110": 18}
EXTENTS = {"inception_v3": 299, "efficientnet_b1": 240, "efficientnet_b2": 288, "efficientnet_b3": 300,
           "efficientnet_b4": 380, "efficientnet_b5": 456, "efficientnet_b6": 528, "efficientnet_b7": 600,
           "efficientnet_v2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480,
           **{name: 32 for name in CIFAR}}


def build(name, classes, heads=False):
    return Cifar(CIFAR[name], classes) if name in CIFAR else networks.build(name, classes, heads)


def state(model):
    return {name: tensor for name, tensor in model.state_dict().items() if "num_batches" not in name}


def multiply_adds(model, extent):
    """Counted while the network runs on a meta tensor: shapes only."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        weight = module.weight
        total += output.numel() * (weight.numel() // weight.shape[0])

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model(torch.zeros(1, 3, extent, extent, device="meta"))
    for hook in hooks:
        hook.remove()
    return total


def describe(name):
    model = build(name, 10 if name in CIFAR else 1000).eval().to("meta")
    lines = sorted(f"{key} {'x'.join(map(str, tensor.shape))}\n" for key, tensor in state(model).items())
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model, EXTENTS.get(name, 224)),
        "state": f"{fnv(''.join(lines)):016x}",
    }


def two(gradient, name):
    flat = gradient.reshape(-1).numpy()
    return [float(np.linalg.norm(flat)), float(flat @ draw(name + "'", flat.size))]


def one_pass(name, extent, batch, classes=10):
    heads = name == "googlenet"  # Inception v3's would need pictures of 299x299
    model = build(name, classes, heads).double().eval()
    for key, tensor in state(model).items():
        tensor.copy_(fill(key, tensor.shape))

    def run(pixels):
        x = torch.tensor(pixels.reshape(batch, extent, extent, 3), requires_grad=True)
        model.zero_grad()
        y = torch.cat(networks.outputs(model, x.permute(0, 3, 1, 2)), 1)
        y.backward(torch.tensor(draw("seed", y.numel())).reshape(y.shape))
        gradients = {key: two(p.grad, key) for key, p in model.named_parameters()}
        return y.detach().reshape(-1).tolist(), {"input": two(x.grad, "input"), **gradients}

    # A sum near zero opens a ReLU in one library and not in the other: take a picture that has none.
    for picture in (f"picture{k}" for k in range(20)):
        pixels = draw(picture, batch * extent * extent * 3)
        output, gradients = run(pixels)
        _, moved = run(pixels * (1 + 1e-6 * draw("noise", pixels.size)))
        change = max(abs(moved[key][1] - product) / norm for key, (norm, product) in gradients.items())
        if change < 5e-5:
            break
    print(f"{name}: {picture}, moves by {change:.1g}")
    return {"name": name, "extent": extent, "batch": batch, "picture": picture, "heads": heads,
            "output": output, "gradients": gradients}


NETWORKS = """
resnet20 resnet32 resnet44 resnet56 resnet110 alexnet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn
googlenet inception_v3 resnet18 resnet34 resnet50 resnet101 resnet152 wide_resnet50_2 wide_resnet101_2 resnext50_32x4d
resnext101_32x8d resnext101_64x4d squeezenet1_0 squeezenet1_1 densenet121 densenet161 densenet169 densenet201
mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
efficientnet_b7 efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l
regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf
regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf regnet_y_32gf regnet_y_128gf
shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0
convnext_tiny convnext_small convnext_base convnext_large
""".split()
# Pictures are as small as leaves more than one pixel at the end where that is cheap. Large dense layers take all of
# vgg's time here, so alexnet alone stands for them.
PASSES = [("resnet20", 32, 2), ("alexnet", 63, 1), ("googlenet", 64, 1), ("inception_v3", 107, 1), ("resnet18", 64, 2),
          ("resnet50", 64, 1), ("resnext50_32x4d", 64, 1), ("squeezenet1_0", 64, 2), ("squeezenet1_1", 64, 2),
          ("densenet121", 64, 1), ("mobilenet_v2", 64, 1), ("mobilenet_v3_small", 64, 1), ("mobilenet_v3_large", 64, 1),
          ("mnasnet0_5", 64, 1), ("efficientnet_b0", 64, 1), ("efficientnet_v2_s", 64, 1), ("regnet_y_400mf", 64, 1), ("shufflenet_v2_x1_0", 64, 1), ("convnext_tiny", 64, 1)]

if __name__ == "__main__":
    described = {name: describe(name) for name in NETWORKS}
    passes = [one_pass(*which) for which in PASSES]
    path = pathlib.Path(__file__).with_name("zoo.json")
    lines = [f'"{name}": {json.dumps(values)}' for name, values in described.items()]
    rounded = json.loads(json.dumps(passes), parse_float=lambda text: float(f"{float(text):.7g}"))
    path.write_text('{"networks": {\n' + ",\n".join(lines) + '\n},\n"passes": [\n' +
                    ",\n".join(json.dumps(p, separators=(",", ":")) for p in rounded) + "\n]}\n")
    print(f"{path.name}: {len(described)} networks, {len(passes)} passes, {path.stat().st_size} bytes")
