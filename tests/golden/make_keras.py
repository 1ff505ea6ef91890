#!/usr/bin/python3
"""What Keras's MobileNet (0.25, 224) of the reference data computes, layer by layer as its own configuration says, in
float64 by PyTorch: keras.json has the class and the first logits of the eight inputs of SqueezeNet's reference data,
which are as good as any. Debian 12: python3-torch 1.13, python3-h5py 3.7."""

import json
import os

import h5py
import numpy as np
import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
data = os.environ.get("FOVEA_TEST_DATA", os.path.join(here, "..", "..", "..", "shared", "data"))
folder = os.path.join(data, "imagenet")


def same_padding(x, kernel, stride):
    """As TensorFlow pads: the odd pixel at the right and the bottom."""
    total = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
    return F.pad(x, (total // 2, total - total // 2) * 2)


def run(layer, weights, x):
    kind, config = layer["class_name"], layer["config"]
    get = lambda name: torch.tensor(weights[config["name"]][config["name"]][name + ":0"][()].astype("f8"))
    if kind in ("Conv2D", "DepthwiseConv2D"):
        if config["padding"] == "same":
            x = same_padding(x, config["kernel_size"][0], config["strides"][0])
        bias = get("bias") if config["use_bias"] else None
        if kind == "Conv2D":
            return F.conv2d(x, get("kernel").permute(3, 2, 0, 1), bias, config["strides"])
        return F.conv2d(x, get("depthwise_kernel").permute(2, 3, 0, 1), bias, config["strides"], groups=x.shape[1])
    if kind == "BatchNormalization":
        return F.batch_norm(x, get("moving_mean"), get("moving_variance"), get("gamma"), get("beta"),
                            eps=config["epsilon"])
    if kind == "ReLU":
        return x.clamp(0, config["max_value"])
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = config["padding"]
        return F.pad(x, (left, right, top, bottom))
    if kind == "GlobalAveragePooling2D":
        return x.mean((2, 3), keepdim=True)
    if kind == "Reshape":
        return x.reshape(-1, *config["target_shape"])
    if kind in ("InputLayer", "Dropout", "Activation"):  # the last is a softmax: its input is wanted
        return x
    raise ValueError(kind)


with h5py.File(os.path.join(folder, "mobilenet_v1_0.25_keras", "mobilenet_v1_0.25_224", "mobilenet_v1_0.25_224.h5")) as file:
    x = torch.tensor(np.load(os.path.join(folder, "squeezenet1_1_torchvision.input8.npy")).astype("f8"))
    for layer in json.loads(file.attrs["model_config"])["config"]["layers"]:
        x = run(layer, file["model_weights"], x)
known = {"classes": x.argmax(1).tolist(), "logits": [[round(v, 6) for v in row] for row in x[:, :8].tolist()]}
with open(os.path.join(here, "keras.json"), "w") as out:
    json.dump(known, out)
    out.write("\n")
