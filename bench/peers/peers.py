"""The programs that compare.py compares, and the files that they read."""

import json
import os
import subprocess
import time

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's, which has torch


class PeerError(Exception):
    pass


def call(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise PeerError((result.stderr.strip() or f"exit status {result.returncode}").splitlines()[-1])


def shape_of(network):
    if network == "lenet5":
        return [1, 32, 32]
    extent = {"minivgg": 32, "resnet20": 32, "inception_v3": 299}.get(network, 224)
    return [3, extent, extent]


class Files:
    """What the programs read, made when absent or older than what makes it."""

    def __init__(self, folder, program):
        self.folder, self.program = os.path.abspath(folder), os.path.abspath(program)
        os.makedirs(self.folder, exist_ok=True)

    def make(self, name, sources, write):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path) or any(os.path.getmtime(path) < os.path.getmtime(s) for s in sources):
            root, extension = os.path.splitext(path)
            write(root + ".part" + extension)
            os.replace(root + ".part" + extension, path)
        return path

    def networks(self, *arguments):
        call([PYTHON, os.path.join(HERE, "networks.py"), *arguments])

    def weights(self, network):
        return self.make(f"{network}.safetensors", [os.path.join(HERE, "networks.py")],
                         lambda path: self.networks("weights", network, self.extents(network), path))

    def model(self, network, dropout=True):
        weights = self.weights(network)
        convert = {"mode": "convert", "network": network, "weights": weights, "dropout": dropout}
        return self.make(f"{network}-model{'' if dropout else '-without-dropout'}.safetensors",
                         [weights, self.program],
                         lambda path: call([self.program, json.dumps({**convert, "model": path})]))

    def onnx(self, network, batch):
        weights = self.weights(network)
        return self.make(f"{network}-batch{batch}.onnx", [weights],
                         lambda path: self.networks("onnx", network, self.extents(network), weights, str(batch), path))

    def int8(self, network, kind):
        """The network on bytes, its ranges measured on noise, as the library has it ("safetensors") or as ONNX."""
        model = self.model(network)
        convert = {"mode": "quantize", "model": model}
        return self.make(f"{network}-int8.{kind}", [model, self.program],
                         lambda path: call([self.program, json.dumps({**convert, "out": path})]))

    def extents(self, network):
        return ",".join(map(str, shape_of(network)))

    def pictures(self, network, count):
        """Noise as NCHW and NHWC, and labels: three paths."""
        shape = shape_of(network)
        name = "x".join(map(str, [count, *shape]))
        own = [os.path.abspath(__file__)]

        def noise():
            return numpy.random.default_rng(1).standard_normal((count, *shape), dtype=numpy.float32)

        def labels():
            classes = 10 if shape[1] == 32 else 1000
            return numpy.random.default_rng(2).integers(classes, size=count).astype(numpy.float32)

        return (self.make(f"pictures-{name}.nchw", own, lambda path: noise().tofile(path)),
                self.make(f"pictures-{name}.nhwc", own,
                          lambda path: numpy.ascontiguousarray(noise().transpose(0, 2, 3, 1)).tofile(path)),
                self.make(f"labels-{name}.f32", own, lambda path: labels().tofile(path)))


class Peer:
    """A process that waits for lines on its standard input and answers each with a line of JSON."""

    def __init__(self, name, command, threads):
        self.name, self.steps, self.wall, self.cpu = name, 1, [], []
        # PyTorch and the linear algebra beneath it read these.
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)

    def ask(self, line):
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            lines = self.process.stderr.read().strip().splitlines()
            raise PeerError(f"{self.name}: {lines[-1] if lines else 'ended early'}")
        return json.loads(answer)

    def turn(self):
        answer = self.ask(self.steps)
        self.wall += answer["wall_ms"]
        self.cpu.append(answer["cpu_ms"])
        self.peak_mb = answer["peak_mb"]

    def close(self):
        self.process.kill()
        self.process.communicate()


def commands(files, mode, network, batch, threads, pictures, dropout=True, lr=0.0):
    """How to start each program for this work: {name: command}."""
    nchw, nhwc, labels = files.pictures(network, pictures)
    job = {"mode": mode, "network": network, "batch": batch, "threads": threads, "shape": shape_of(network),
           "labels": labels, "dropout": dropout, "lr": lr, "weights": files.weights(network), "images": nchw}
    model = files.model(network, dropout)
    result = {"fovea": [files.program, json.dumps({**job, "images": nhwc, "model": model})]}
    variants = ["eager", "channels_last"]
    if mode == "inference":
        variants.append("frozen")
        job["onnx"] = files.onnx(network, batch)
        job["onnxruntime"] = os.path.join(files.folder, "node_modules/onnxruntime-node")
        result["ort"] = ["node", os.path.join(HERE, "ort_worker.js"), json.dumps(job)]
    for variant in variants:
        worker = [PYTHON, os.path.join(HERE, "torch_worker.py"), json.dumps({**job, "variant": variant})]
        result["torch " + variant] = worker
    return result


def int8_commands(files, network, batch, threads):
    """The same for the network on bytes and for that of real numbers, one picture at a time."""
    real = commands(files, "inference", network, batch, threads, batch)
    result = {"fovea": real["fovea"], "ort": real["ort"]}
    for name, key, kind in (("fovea", "model", "safetensors"), ("ort", "onnx", "onnx")):
        *program, job = real[name]
        result[name + " int8"] = [*program, json.dumps({**json.loads(job), key: files.int8(network, kind)})]
    return result


def start(command_of, threads):
    return [Peer(name, command, threads) for name, command in command_of.items()]


def take_turns(peers, rounds, turn_ms):
    """Steps of every program, one program at a time, over and over; the first steps are not counted."""
    for peer in peers:
        peer.ask(1)
        peer.steps = min(max(int(turn_ms / peer.ask(1)["wall_ms"][0]), 1), 1000)
    for _ in range(rounds):
        for peer in peers:
            time.sleep(0.02)  # until threads that spin after work have gone to sleep
            peer.turn()
