"""A training of a moment: its accuracy is best at a learning rate of 0.01."""

import argparse
import math

parser = argparse.ArgumentParser()
for name in ("--data_url", "--train_url", "--lr"):
    parser.add_argument(name)
lr = float(parser.parse_args().lr)
print(f"val_accuracy={1 / (1 + abs(math.log10(lr) + 2)):.4f}")
