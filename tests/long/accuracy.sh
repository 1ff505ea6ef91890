#!/bin/bash
# Trains networks on real data and checks the test accuracy they must reach. MNIST and CIFAR-10 are looked for in
# $FOVEA_DATA; what is not there is left out.
set -euo pipefail
fovea=$1
recipes=$(cd "$(dirname "$0")/../../recipes" && pwd)
ran=0

# reach TOP1 NAME DATA TRAIN_FLAGS...: the best epoch's top-1 on the test set, in percent, must be at least TOP1.
reach() {
  local wanted=$1 name=$2 data=$3
  shift 3
  rm -rf "$name"
  "$fovea" train --data "$data" --out "$name" "$@" >"$name.log"
  local got
  got=$("$fovea" eval "$name/best.safetensors" --data "$data" --format json |
    sed 's/.*"top1":\([0-9.e-]*\).*/\1/')
  awk -v got="$got" -v wanted="$wanted" -v name="$name" 'BEGIN {
    printf "%s: top-1 %.2f %%, wanted %.2f %%\n", name, 100 * got, wanted
    exit !(100 * got >= wanted)
  }'
  ran=1
}

# have NAME: whether the program finds the data set.
have() {
  [[ -n $("$fovea" doctor --format json | sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p") ]]
}

if have fashion-mnist; then
  reach 89 lenet5-fashion-mnist fashion-mnist --model lenet5 --epochs 10
  reach 92.5 convnet-fashion-mnist fashion-mnist --epochs 10 --batch 128 --lr 0.05 --weight-decay 5e-4 --model \
    "2 x (conv 32 3x3 pad 1 nobias, bn, relu), maxpool 2, 2 x (conv 64 3x3 pad 1 nobias, bn, relu), maxpool 2,
     conv 128 3x3 pad 1 nobias, bn, relu, gap, flatten, fc 10"
fi
if have mnist; then
  reach 98.9 lenet5-mnist mnist --model lenet5 --epochs 10
  reach 99 mnist-quick mnist --config "$recipes/mnist-quick.toml"
  reach 99.5 mnist-995 mnist --config "$recipes/mnist-995.toml"
fi
if have cifar-10; then reach 72 minivgg-cifar-10 cifar-10 --model minivgg --epochs 5; fi
((ran)) || { echo "no data: install dataset-fashion-mnist, or set FOVEA_DATA"; exit 77; }
