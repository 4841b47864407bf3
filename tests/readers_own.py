"""What a reader has before a block of a page runs (a model, arrays, loaders), by a word that stands in the block."""

from __future__ import annotations

from collections.abc import Mapping

ARRAYS = """
import numpy as np
rng = np.random.default_rng(0)
sets = [(rng.normal(size=(n, 4)), rng.integers(0, 2, n)) for n in (600, 200, 200)]
(x_train, y_train), (x_dev, y_dev), (x_test, y_test) = sets
"""
LOOP = """
def train_one_epoch():
    pass

def error_on(x, y):
    return 0.02 if len(x) == len(x_train) else 0.15

def save(path):
    pass
"""
REPEATS = """
def train(name, seed):
    with bvtrack.Tracker() as tracker:
        tracker.log_split(train=20_000, dev=20_000)
        dev_error = [0.107, 0.110, 0.112, 0.114, 0.117][seed]
        more = 0 if name == "wide" else [0.009, 0.016, 0.012, 0.008, 0.015][seed]
        tracker.log_epoch(0, train_error=0.01, dev_error=dev_error + more)
"""
WEBHOOK = """
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
WEBHOOK = f"http://127.0.0.1:{server.server_port}"
"""
LIGHTNING = """
import torch
from torch.utils.data import DataLoader
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel, RandomDataset

class Net(BoringModel):
    def validation_step(self, batch, batch_index):
        self.log("val_acc", (self(batch) > 0).float().mean())

model, train_loader, dev_loader = Net(), DataLoader(RandomDataset(32, 64)), DataLoader(RandomDataset(32, 64))
test_loader = DataLoader(RandomDataset(32, 64))
"""
KERAS = """
import keras
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
TRANSFORMERS = """
import numpy as np, torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
rows = [{"input_ids": torch.randint(0, 9, (6,)), "labels": k % 2} for k in range(60)]
train, dev, test = rows[:30], rows[30:45], rows[45:]
sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
model = BertForSequenceClassification(BertConfig(vocab_size=9, **sizes))
arguments = TrainingArguments("out", num_train_epochs=1, eval_strategy="epoch", report_to="none", use_cpu=True)
def compute_metrics(found):
    return {"accuracy": float(np.mean(found.predictions.argmax(axis=1) == found.label_ids))}
"""
XGBOOST = """
import xgboost
train, dev = xgboost.DMatrix(x_train, y_train), xgboost.DMatrix(x_dev, y_dev)
params = {"objective": "binary:logistic", "eval_metric": "error"}
"""
LIGHTGBM = """
import lightgbm
train = lightgbm.Dataset(x_train, y_train, free_raw_data=False)
dev = lightgbm.Dataset(x_dev, y_dev, reference=train, free_raw_data=False)
params = {"objective": "binary", "metric": "binary_error", "verbose": -1, "min_data_in_leaf": 2}
"""
CATBOOST = """
from catboost import CatBoostClassifier
model = CatBoostClassifier(iterations=20, custom_metric=["Accuracy"], verbose=False)
"""
SKLEARN = """
import bvtrack
from sklearn.linear_model import LogisticRegression
model = LogisticRegression()
"""
SKLEARN_FITS = """
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
pipeline, classes = make_pipeline(StandardScaler(), LogisticRegression()), [0, 1]
model = SGDClassifier()
"""
TRAINING = """
def training(rate):
    for epoch in range(3):
        yield {"train_error": 0.1 * rate, "dev_error": 0.1 + 0.2 * rate}
"""
TORCH = """
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x, y = torch.randn(90, 4), torch.randint(0, 2, (90,))
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(), torch.nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters())
train_loader, dev_loader = [DataLoader(TensorDataset(x[part], y[part]), 16) for part in (slice(60), slice(60, 90))]
"""
READERS_OWN: Mapping[str, str] = {
    "Tracker": ARRAYS + LOOP,
    "bvtrack.group(": REPEATS,
    "WEBHOOK": WEBHOOK,
    "bvtrack_lightning": LIGHTNING,
    "bvtrack_keras": ARRAYS + KERAS,
    "bvtrack_transformers": TRANSFORMERS,
    "bvtrack_boosting.xgboost": ARRAYS + XGBOOST,
    "bvtrack_boosting.lightgbm": ARRAYS + LIGHTGBM,
    "bvtrack_boosting.catboost": ARRAYS + CATBOOST,
    "diagnose_estimator": ARRAYS + SKLEARN,
    "bvtrack_sklearn": ARRAYS + SKLEARN + SKLEARN_FITS,
    "compare_splits": ARRAYS,
    "optuna": TRAINING,
    "accelerate": TORCH,
    "ignite": TORCH,
}
"""What a reader has before a block that holds one of these words."""
