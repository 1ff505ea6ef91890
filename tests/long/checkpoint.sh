#!/bin/bash
# A PyTorch checkpoint read as it is: ResNet-20 of akamaster/pytorch_resnet_cifar10 classifies CIFAR-10's test pictures
# exactly as in PyTorch. Usage: checkpoint.sh PROGRAM
set -euo pipefail
fovea=$1
data=${FOVEA_TEST_DATA:-$(dirname "${BASH_SOURCE[0]}")/../../../shared/data}
weights=$data/checkpoints/resnet20-12fca82f.th
[[ -f $weights ]] || { echo "no file $weights: set FOVEA_TEST_DATA"; exit 77; }
[[ -n $("$fovea" doctor --format json | sed -n 's/^ *"cifar-10": "\(.*\)",\{0,1\}$/\1/p') ]] ||
  { echo "CIFAR-10 was not found: set FOVEA_DATA"; exit 77; }

result=$("$fovea" eval resnet20_a --weights "$weights" --data cifar-10)
echo "$result"
[[ $result == *"(9173 of 10000 right)"* ]]
