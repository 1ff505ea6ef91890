#!/usr/bin/python3
"""Compares this library with ONNX Runtime and PyTorch: the same networks, weights and data, in one run.

For each network it draws weights, checks that all programs compute the same output, then times them in turns, a few
steps at a time, so that whatever else the machine does meets all of them and only one computes at any moment. Printed
are medians over all steps by the wall clock, and ratios of medians: above 1, this library is faster. A network is
NAME or NAME:BATCH. Files go to build/peers and are used again.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time

import numpy

import peers
from peers import PeerError

INFERENCE = ["vgg16", "resnet18", "resnet50", "googlenet", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_large",
             "efficientnet_b0", "densenet121", "inception_v3", "resnext50_32x4d", "convnext_tiny", "alexnet",
             "resnet50:16", "mobilenet_v2:16", "resnet20", "resnet20:128", "lenet5", "lenet5:128"]
QUICK_INFERENCE = ["resnet18", "resnet50", "squeezenet1_1", "mobilenet_v2"]
TRAINING = ["lenet5:64", "minivgg:64", "resnet20:128", "resnet18:16", "mobilenet_v2:16", "resnet50:8", "vgg16:4"]
INT8 = ["squeezenet1_1", "resnet18", "resnet50", "mobilenet_v2", "googlenet", "vgg16", "alexnet"]
QUICK_INT8 = ["squeezenet1_1", "resnet18", "mobilenet_v2"]
QUICK_TRAINING = ["lenet5:64", "minivgg:64", "resnet20:128"]
LEARNING_RATES = {"lenet5": 0.05}  # of the others 0.001: rates at which rounding does not grow into other losses
TOLERANCE = {"output": 1e-4, "loss": 1e-3, "int8": 0.1}  # largest difference from PyTorch, relative to PyTorch's largest value


def difference(values, expected):
    values, expected = numpy.array(values), numpy.array(expected)
    return float(abs(values - expected).max() / abs(expected).max())


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def measurement(running):
    return {peer.name: {"median_ms": statistics.median(peer.wall), "min_ms": min(peer.wall),
                        "cpu_ms": statistics.median(peer.cpu), "steps": len(peer.wall), "peak_mb": peer.peak_mb}
            for peer in running}


def best_torch(peers_of):
    return min(peer["median_ms"] for name, peer in peers_of.items() if name.startswith("torch"))


class Comparison:
    """Runs one mode over networks, batches and threads, printing a line for each and keeping what was measured."""

    def __init__(self, files, options):
        self.files, self.options, self.rows, self.wrong = files, options, [], []

    def run(self, networks):
        print(self.title)
        print(self.header())
        for network, batch in networks:
            for threads in self.options.threads:
                try:
                    row = self.measure(network, batch, threads)
                except PeerError as error:
                    print(f"{network:20} {batch:5} {threads:7}  skipped: {error}", flush=True)
                    self.wrong.append(f"{network}: skipped")
                    break
                self.rows.append(row)
                print(self.line(row), flush=True)
        self.finish()
        print(flush=True)

    def measure(self, network, batch, threads):
        running = peers.start(self.commands(network, batch, threads), threads)
        try:
            row = {"mode": self.mode, "network": network, "batch": batch, "threads": threads}
            row.update(self.check(running, f"{network} batch {batch}"))
            peers.take_turns(running, self.options.rounds, self.options.turn)
            row["peers"] = measurement(running)
            row["ratios"] = self.ratios(row["peers"])
            return row
        finally:
            for peer in running:
                peer.close()

    def check_difference(self, what, where, values, expected):
        found = difference(values, expected)
        if not found <= TOLERANCE[what]:
            self.wrong.append(f"{where}: {what} differs by {found:.1e}")
        return found

    def times(self, row):
        return "".join(f" {row['peers'][name]['median_ms']:13.3f}" for name in self.names)

    def line(self, row):
        ratios = "".join(f" {row['ratios'][name]:11.2f}" for name in self.ratio_names)
        found = row["difference"]
        return (f"{row['network']:20} {row['batch']:5} {row['threads']:7}{self.times(row)}{ratios}"
                f"               {found[self.differences[0]]:.1e} {found[self.differences[1]]:.1e}")

    def print_means(self, width):
        for threads in self.options.threads:
            rows = [row["ratios"] for row in self.rows if row["threads"] == threads]
            if rows:
                means = "".join(f" {geometric_mean([r[name] for r in rows]):11.2f}" for name in self.ratio_names)
                print(f"{'geometric mean':26} {threads:7} {'':{width}}{means}")


class Inference(Comparison):
    mode = "inference"
    differences = ["fovea", "ort"]
    title = "Inference: medians of a step in milliseconds, and how many times faster this library is"
    names = ["fovea", "ort", "torch eager", "torch channels_last", "torch frozen"]
    ratio_names = ["ort", "best torch"]

    def header(self):
        return (f"{'network':20} {'batch':>5} {'threads':>7} {'fovea':>13} {'ort':>13} {'torch eager':>13} "
                f"{'channels_last':>13} {'frozen':>13} {'ort':>11} {'best torch':>11}   difference: fovea     ort")

    def commands(self, network, batch, threads):
        return peers.commands(self.files, self.mode, network, batch, threads, batch)

    def check(self, running, where):
        output = {peer.name: peer.ask("output")["output"] for peer in running}
        expected = output["torch eager"]
        return {"difference": {"fovea": self.check_difference("output", where, output["fovea"], expected),
                               "ort": difference(output["ort"], expected)}}

    def ratios(self, measured):
        own = measured["fovea"]["median_ms"]
        return {"ort": measured["ort"]["median_ms"] / own, "best torch": best_torch(measured) / own}

    def finish(self):
        self.print_means(69)
        print("\nMost memory of each process in MB")
        for row in self.rows:
            memory = "".join(f" {row['peers'][name]['peak_mb']:13.0f}" for name in self.names)
            print(f"{row['network']:20} {row['batch']:5} {row['threads']:7}{memory}")


class Int8(Comparison):
    """The same quantised network: here from a model file, in ONNX Runtime from QuantizeLinear and DequantizeLinear."""

    mode = "int8"
    differences = ["ort", "real"]
    title = "Inference on bytes: medians of a step in milliseconds, and how many times faster this library is"
    names = ["fovea int8", "ort int8", "fovea", "ort"]
    ratio_names = ["ort int8", "fovea"]

    def header(self):
        return (f"{'network':20} {'batch':>5} {'threads':>7} {'fovea int8':>13} {'ort int8':>13} {'fovea':>13} "
                f"{'ort':>13} {'ort int8':>11} {'fovea':>11}   difference: from ort int8, from real")

    def commands(self, network, batch, threads):
        return peers.int8_commands(self.files, network, batch, threads)

    def check(self, running, where):
        output = {peer.name: peer.ask("output")["output"] for peer in running}
        return {"difference": {"ort": self.check_difference("int8", where, output["fovea int8"], output["ort int8"]),
                               "real": difference(output["fovea int8"], output["fovea"])}}

    def ratios(self, measured):
        return {name: measured[name]["median_ms"] / measured["fovea int8"]["median_ms"] for name in self.ratio_names}

    def finish(self):
        self.print_means(55)


class Training(Comparison):
    mode = "training"
    title = "Training, SGD with momentum: medians of a step in milliseconds, and how many times faster this library is"
    names = ["fovea", "torch eager", "torch channels_last"]
    ratio_names = ["best torch"]

    def header(self):
        losses = "   losses differ by" if self.options.losses else ""
        return (f"{'network':20} {'batch':>5} {'threads':>7} {'fovea':>13} {'torch eager':>13} {'channels_last':>13} "
                f"{'best torch':>11} {'images/s':>9} {'MB':>6} {'of torch':>9}{losses}")

    def commands(self, network, batch, threads):
        pictures = batch * (4 if self.options.losses else 1)
        return peers.commands(self.files, self.mode, network, batch, threads, pictures,
                              dropout=not self.options.losses, lr=LEARNING_RATES.get(network, 0.001))

    def check(self, running, where):
        if not self.options.losses:
            return {}
        losses = {peer.name: peer.ask(self.options.losses)["losses"] for peer in running}
        expected = losses["torch eager"]
        return {"losses": losses, "difference": {
            "fovea": self.check_difference("loss", where, losses["fovea"], expected),
            "torch channels_last": difference(losses["torch channels_last"], expected)}}

    def ratios(self, measured):
        return {"best torch": best_torch(measured) / measured["fovea"]["median_ms"]}

    def line(self, row):
        own = row["peers"]["fovea"]
        memory = own["peak_mb"] / min(row["peers"][name]["peak_mb"] for name in self.names[1:])
        text = (f"{row['network']:20} {row['batch']:5} {row['threads']:7}{self.times(row)} "
                f"{row['ratios']['best torch']:11.2f} {row['batch'] / own['median_ms'] * 1e3:9.1f} "
                f"{own['peak_mb']:6.0f} {memory:9.2f}")
        if "difference" in row:
            found = row["difference"]
            text += f"   {found['fovea']:.1e} (torch's layouts: {found['torch channels_last']:.1e})"
        return text

    def finish(self):
        self.print_means(41)


def measure_start(files, network, threads, rounds):
    """From starting a process that reads the network from a file to its first result, in milliseconds."""
    command_of = peers.commands(files, "inference", network, 1, threads, 1)
    times = {name: [] for name in command_of}
    alive = {name: [] for name in command_of}
    for _ in range(rounds):
        for name, command in command_of.items():
            begin = time.perf_counter()
            peer = peers.Peer(name, command, threads)
            try:
                alive[name].append(peer.ask(1)["alive_ms"])
                times[name].append((time.perf_counter() - begin) * 1e3)
            finally:
                peer.close()
    print(f"From start to first result, {network} from a file, {threads} threads: median milliseconds of the process,"
          " and without starting the interpreter")
    row = {"mode": "start", "network": network, "threads": threads, "peers": {}}
    for name in command_of:
        row["peers"][name] = {"process_ms": statistics.median(times[name]), "alive_ms": statistics.median(alive[name])}
        print(f"{name:20} {row['peers'][name]['process_ms']:9.0f} {row['peers'][name]['alive_ms']:9.0f}")
    print(flush=True)
    return row


def parse_networks(text, quick, everything, batch):
    names = quick if text is None else everything if text == "all" else text.split(",")
    networks = []
    for name in names:
        network, _, own_batch = name.partition(":")
        usual = next((entry for entry in everything if entry.partition(":")[0] == network), "").partition(":")[2]
        networks.append((network, int(own_batch or batch or usual or 1)))
    return networks


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", metavar="NAMES", help="NAME or NAME:BATCH, separated by commas, or all; "
                        "default: a few that are quick")
    parser.add_argument("--inference", action="store_true", help="inference only")
    parser.add_argument("--training", action="store_true", help="training only")
    parser.add_argument("--int8", action="store_true", help="inference on bytes only")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(t) for t in text.split(",")])
    parser.add_argument("--batch", type=int, help="of networks named without one; default: 1, in training the usual")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each program; default: 7")
    parser.add_argument("--turn", type=float, default=300, metavar="MS", help="length of a turn; default: 300")
    parser.add_argument("--losses", type=int, default=0, metavar="STEPS",
                        help="without dropout, first compare the losses of so many training steps")
    parser.add_argument("--json", metavar="FILE", help="write everything measured there")
    parser.add_argument("--folder", default=os.path.join(peers.HERE, "../../build/peers"), help="for files")
    parser.add_argument("--program", default=os.path.join(peers.HERE, "../../build/fovea_worker"))
    options = parser.parse_args()
    if not (options.inference or options.training or options.int8):
        options.inference = options.training = options.int8 = True
    return options


def main():
    options = parse_options()
    files = peers.Files(options.folder, options.program)
    rows, wrong = [], []
    for comparison, quick, everything in ((Inference, QUICK_INFERENCE, INFERENCE), (Int8, QUICK_INT8, INT8),
                                          (Training, QUICK_TRAINING, TRAINING)):
        if not getattr(options, comparison.mode):
            continue
        networks = parse_networks(options.models, quick, everything, options.batch)
        run = comparison(files, options)
        run.run(networks)
        rows += run.rows
        wrong += run.wrong
        if comparison is Inference and any(row["network"] == "resnet50" for row in run.rows):
            rows.append(measure_start(files, "resnet50", max(options.threads), options.rounds))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
    if wrong:
        sys.exit("compare: " + "; ".join(wrong))


main()
