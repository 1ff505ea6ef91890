#!/usr/bin/python3
"""Writes small PyTorch, NumPy and HDF5 files of every kind into fuzz/seeds/tensor_file, and what PyTorch, NumPy and h5py
read from them, and from the checkpoints of the reference data, into tensor_files.json. Debian 12: python3-torch 1.13,
python3-h5py 3.7."""

import collections
import glob
import io
import json
import os
import sys
import zipfile

import h5py
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
seeds = os.path.join(here, "..", "..", "fuzz", "seeds", "tensor_file")
data = os.environ.get("FOVEA_TEST_DATA", os.path.join(here, "..", "..", "..", "shared", "data"))

names = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
         "int16": "I16", "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL"}


def describe(array):
    """dtype, shape, sum of the finite elements, each times 1 + its row-major index modulo 7, and how many are not."""
    if isinstance(array, torch.Tensor):
        dtype = str(array.dtype).removeprefix("torch.")
        values = array.detach().double().numpy()
    else:
        dtype = array.dtype.name
        values = array.astype("f8")
    flat = np.ascontiguousarray(values).reshape(-1)
    finite = np.isfinite(flat)
    weights = 1 + np.arange(flat.size) % 7
    return [names[dtype], list(array.shape), float((flat[finite] * weights[finite]).sum()), int((~finite).sum())]


def flatten(value, path=""):
    if isinstance(value, torch.Tensor):
        yield path or "tensor", describe(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from flatten(item, f"{path}.{key}" if path else str(key))


def read(path):
    if path.endswith(".h5"):
        found = {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
                found[name] = describe(item[()])

        with h5py.File(path) as file:
            file.visititems(visit)
        return found
    if path.endswith(".npy"):
        return {"array": describe(np.load(path))}
    if path.endswith(".npz"):
        with np.load(path) as arrays:
            return {name: describe(arrays[name]) for name in arrays}
    return dict(flatten(torch.load(path, map_location="cpu")))


def deflate(path):
    """Packs the entries of a zip archive anew, deflated."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def write_hdf5(at):
    """As Keras lays out its layers; and datasets of every type in a group too large for one leaf of its tree."""
    random = np.random.default_rng(3)
    with h5py.File(at("keras.h5"), "w") as file:
        layers = file.create_group("model_weights")
        layers.attrs["backend"] = "tensorflow"
        for path, shape in (("conv/conv/kernel", (3, 2, 4, 5)), ("conv/conv/bias", (5,)),
                            ("spread/spread/depthwise_kernel", (3, 2, 5, 2)), ("norm/norm/gamma", (10,)),
                            ("norm/norm/beta", (10,)), ("norm/norm/moving_mean", (10,)),
                            ("norm/norm/moving_variance", (10,)), ("parted/parted/depthwise_kernel", (3, 3, 10, 1)),
                            ("parted/parted/pointwise_kernel", (1, 1, 10, 4)), ("parted/parted/bias", (4,)),
                            ("outer/dense/kernel", (4, 3)), ("outer/dense/bias", (3,))):
            layers[path + ":0"] = random.standard_normal(shape).astype("f4")
        file["optimizer_weights/iterations:0"] = np.int64(7)
    with h5py.File(at("types.h5"), "w") as file:
        for name in names:
            if name not in ("bfloat16", "bool"):
                file["types/" + name] = np.array([[0, 1, 2], [3, 5, 100]]).astype(name)
        for i in range(40):
            file[f"many/{i}"] = np.float32(i)
        file["text"] = "not a number"
        file["none"] = np.zeros((0, 3), "f4")
        file["link"] = h5py.SoftLink("/none")
    for name, options in (("chunks.h5", {"chunks": (2, 3)}), ("deflated.h5", {"compression": "gzip"})):
        with h5py.File(at(name), "w") as file:
            file.create_dataset("x", data=np.ones((4, 6), "f4"), **options)
    with h5py.File(at("newer.h5"), "w", libver="latest") as file:
        file["x"] = np.ones((2, 2), "f4")


def write_seeds():
    os.makedirs(seeds, exist_ok=True)
    torch.manual_seed(1)
    at = lambda name: os.path.join(seeds, name)
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 8

    torch.save({t: torch.tensor([0, 1, 3]).to(getattr(torch, t)) for t in
                ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")},
               at("types.pt"))
    views = {"whole": base, "row": base[1, 2], "transposed": base.permute(2, 0, 1), "steps": base[:, ::2, 1::2],
             "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 5), "none": torch.zeros(0, 3), "scalar": torch.tensor(4.5)}
    torch.save(views, at("views.pt"))
    torch.save(views, at("views_legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save(torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last), at("channels_last.pt"))
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.BatchNorm2d(2))
    state = collections.OrderedDict((f"module.{k}", v) for k, v in layer.state_dict().items())
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, momentum=0.9)
    layer(torch.ones(2, 1, 3, 3)).sum().backward()
    optimizer.step()
    checkpoint = {"epoch": 3, "best": 0.5, "arch": "tiny", "done": True, "none": None, "state_dict": state,
                  "optimizer": optimizer.state_dict(), "parameter": torch.nn.Parameter(torch.ones(2))}
    torch.save(checkpoint, at("checkpoint.pt"))
    torch.save(checkpoint, at("checkpoint_legacy.th"), _use_new_zipfile_serialization=False)
    torch.save(checkpoint, at("checkpoint_protocol4.pt"), pickle_protocol=4)
    torch.save({"a": torch.ones(200), "b": torch.zeros(3, dtype=torch.int64)}, at("deflated.pt"))
    deflate(at("deflated.pt"))

    arrays = {name: np.array([[0, 1, 2], [3, 5, 100]]).astype(name) for name in names if name != "bfloat16"}
    np.savez(at("types.npz"), **arrays)
    np.savez_compressed(at("deflated.npz"), **{"layer/weight": np.linspace(-1, 1, 50, dtype="f4"), "b": np.float64(7)})
    np.save(at("fortran.npy"), np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
    np.save(at("big_endian.npy"), np.arange(6, dtype=">i4").reshape(3, 2))
    np.save(at("empty.npy"), np.zeros((0, 3), "f2"))
    write_hdf5(at)
    for version in ((2, 0), (3, 0)):
        with open(at(f"version{version[0]}.npy"), "wb") as file:
            np.lib.format.write_array(file, np.array([1.5, float("nan"), float("inf")]), version=version)


write_seeds()
known = {"seeds": {}, "checkpoints": {}}
for name in sorted(os.listdir(seeds)):
    refused = name in ("chunks.h5", "deflated.h5", "newer.h5")
    if name.endswith((".pt", ".pth", ".th", ".npy", ".npz", ".h5")) and not refused:
        known["seeds"][name] = read(os.path.join(seeds, name))
folder = os.path.join(data, "checkpoints")
for path in sorted(glob.glob(folder + "/**/*.*", recursive=True)):
    if path.endswith((".pt", ".pth", ".th", ".npy", ".npz")) and "broken" not in path:
        known["checkpoints"][os.path.relpath(path, folder)] = read(path)
lines = []
for group, files in known.items():
    rows = []
    for name, tensors in files.items():
        items = ",\n".join(f"      {json.dumps(k)}: {json.dumps(v)}" for k, v in tensors.items())
        rows.append(f"    {json.dumps(name)}: {{\n{items}\n    }}")
    lines.append(f"  {json.dumps(group)}: {{\n" + ",\n".join(rows) + "\n  }")
with open(os.path.join(here, "tensor_files.json"), "w") as file:
    file.write("{\n" + ",\n".join(lines) + "\n}\n")
