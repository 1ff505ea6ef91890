"""The networks of the comparison as PyTorch has them, with seeded weights, and the files that every program reads.

A network's parameter names are those of the library's zoo. Weights are drawn afresh, by He et al. 2015 with biases
that are not zero, and statistics of batch norms measured on noise and then shaken, so that every parameter shows in
the output.
"""

import json
import struct
import sys
import zlib

import numpy
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Conv2d(16, 120, 5)
        self.fc1, self.fc2 = nn.Linear(120, 84), nn.Linear(84, 10)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x):
        x = self.pool(torch.tanh(self.conv1(x)))
        x = self.pool(torch.tanh(self.conv2(x)))
        x = torch.tanh(self.conv3(x)).flatten(1)
        return self.fc2(torch.tanh(self.fc1(x)))


class MiniVgg(nn.Module):
    def __init__(self):
        super().__init__()
        for i, (channels, filters) in enumerate([(3, 32), (32, 32), (32, 64), (64, 64)], 1):
            setattr(self, f"conv{i}", nn.Conv2d(channels, filters, 3, padding=1))
            setattr(self, f"bn{i}", nn.BatchNorm2d(filters))
        self.fc1, self.bn5, self.fc2 = nn.Linear(4096, 512), nn.BatchNorm1d(512), nn.Linear(512, 10)
        self.pool, self.dropout, self.last_dropout = nn.MaxPool2d(2), nn.Dropout(0.25), nn.Dropout(0.5)

    def forward(self, x):
        x = self.bn1(torch.relu(self.conv1(x)))
        x = self.dropout(self.pool(self.bn2(torch.relu(self.conv2(x)))))
        x = self.bn3(torch.relu(self.conv3(x)))
        x = self.dropout(self.pool(self.bn4(torch.relu(self.conv4(x)))))
        return self.fc2(self.last_dropout(self.bn5(torch.relu(self.fc1(x.flatten(1))))))


class ResNet20(nn.Module):
    """For CIFAR-10 (He et al. 2016, section 4.2), with 1x1 convolutions where shortcuts change shape."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    @staticmethod
    def stage(channels, filters, stride):
        shortcut = None
        if stride > 1:
            shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
        return nn.Sequential(BasicBlock(channels, filters, stride, shortcut),
                             BasicBlock(filters, filters), BasicBlock(filters, filters))

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


OWN = {"lenet5": LeNet5, "minivgg": MiniVgg, "resnet20": ResNet20}


HEADED = ("googlenet", "inception_v3")  # with auxiliary heads, if asked for


def build(name, classes=1000, heads=False):
    """The network without its weights, in training mode. `classes` is for torchvision's."""
    if name in OWN:
        return OWN[name]()
    options = {"aux_logits": heads, "init_weights": False} if name in HEADED else {}
    return torchvision.models.get_model(name, weights=None, num_classes=classes, **options)


def outputs(model, x):
    """The logits, and those of the auxiliary heads, which torchvision leaves out in evaluation mode. They are in order;
    torchvision 0.14's names of GoogLeNet's two are swapped."""
    training, model.training = model.training, True  # of the network as a whole: its layers keep their mode
    y = model(x)
    model.training = training
    return [y] if torch.is_tensor(y) else list(y)


def randomise(name, model, shape):
    torch.manual_seed(zlib.crc32(name.encode()))
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, (nn.LayerNorm, nn.modules.batchnorm._BatchNorm)):
                module.weight.uniform_(0.8, 1.2)
            if getattr(module, "bias", None) is not None:
                module.bias.normal_(0, 0.1)
        # A trained residual branch is small beside its shortcut (Goyal et al. 2017 start it at zero); a branch as large
        # multiplies float32's rounding in each of a hundred layers until no two programs agree.
        for block in model.modules():
            if isinstance(block, Bottleneck):
                block.bn3.weight.mul_(0.3)
            elif isinstance(block, BasicBlock):
                block.bn2.weight.mul_(0.3)
        for key, parameter in model.named_parameters():
            if key.endswith("layer_scale"):
                parameter.uniform_(0.1, 0.5)
        # Statistics of one batch of noise, a little off: through forty blocks more would grow until float32 says nothing.
        model.eval()
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        outputs(model, torch.randn(8, *shape))
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
            norm.running_mean += 0.02 * norm.running_var.sqrt() * torch.randn(norm.num_features)
            norm.running_var *= torch.empty(norm.num_features).uniform_(0.95, 1.05)
    return model.eval()


def without_dropout(model):
    """The same model: dropout and stochastic depth draw other numbers than the library's."""
    for module in model.modules():
        if type(module).__name__ in ("Dropout", "StochasticDepth"):
            module.p = 0.0
    return model


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for key, tensor in tensors.items():
        size = 4 * tensor.numel()
        header[key] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.numpy().astype("<f4").tobytes())


def load(name, path):
    """The network with the weights of a safetensors file, in training mode."""
    model = build(name)
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    state = {key: torch.frombuffer(data, dtype=torch.float32, count=int(numpy.prod(entry["shape"])),
                                   offset=entry["data_offsets"][0]).reshape(entry["shape"])
             for key, entry in header.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or not all(key.endswith("num_batches_tracked") for key in missing):
        raise ValueError(f"{path}: missing {missing}, unexpected {unexpected}")
    return model.train()


def write_weights(name, shape, path):
    state = randomise(name, build(name), shape).state_dict()
    write_safetensors(path, {key: value for key, value in state.items() if value.dtype == torch.float32})


def write_onnx(name, shape, weights, batch, path):
    torch.onnx.export(load(name, weights).eval(), torch.zeros(batch, *shape), path, opset_version=13,
                      input_names=["input"], output_names=["output"])


if __name__ == "__main__":
    # networks.py weights NETWORK SHAPE WEIGHTS | onnx NETWORK SHAPE WEIGHTS BATCH ONNX; SHAPE is 3,224,224
    what, network, extents, *rest = sys.argv[1:]
    shape = [int(extent) for extent in extents.split(",")]
    if what == "weights":
        write_weights(network, shape, rest[0])
    else:
        write_onnx(network, shape, rest[0], int(rest[1]), rest[2])
