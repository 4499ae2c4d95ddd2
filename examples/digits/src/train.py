"""Train a support vector classifier on scikit-learn's handwritten digits, as a ModelArts training script.

The platform calls it with --data_url, --train_url and one option for each hyperparameter.
"""

import argparse
import json
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_url", help="not used: the digits come with scikit-learn")
    parser.add_argument("--train_url", type=Path, required=True, help="folder for the model and its metrics")
    parser.add_argument("--C", type=float, default=1.0, help="how much a misread digit costs")
    parser.add_argument("--gamma", type=float, default=0.01, help="how far one example reaches")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    images, digits = load_digits(return_X_y=True)
    train_x, val_x, train_y, val_y = train_test_split(images, digits, test_size=0.25, stratify=digits, random_state=0)
    print(f"training on {len(train_x)} digits with C={options.C} gamma={options.gamma}")
    model = make_pipeline(StandardScaler(), SVC(C=options.C, gamma=options.gamma))
    model.fit(train_x, train_y)
    accuracy = accuracy_score(val_y, model.predict(val_x))
    print(f"val_accuracy={accuracy:.4f}")

    options.train_url.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, options.train_url / "model.joblib")
    metrics = {"val_accuracy": accuracy, "support_vectors": int(model[-1].n_support_.sum())}
    (options.train_url / "metrics.json").write_text(json.dumps(metrics) + "\n")


if __name__ == "__main__":
    main()
