"""Stop and alert: a training that overtrains is stopped, and a webhook hears of each new verdict.

The webhook is a server of this program's own, in place of a chat's: put its address where `ADDRESS` is.
"""

from __future__ import annotations

import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import bvtrack

received: list[str] = []


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
ADDRESS = f"http://127.0.0.1:{server.server_port}"


def alert(verdict: bvtrack.Verdict) -> None:
    """Runs beside the training; give it a limit of time, for the next verdict waits until it is over."""
    content = json.dumps({"text": f"{verdict.diagnosis.tag} ({verdict.diagnosis.certainty})"}).encode()
    with urlopen(Request(ADDRESS, content, {"Content-Type": "application/json"}), timeout=10):
        pass


# Every third label is wrong: first the network learns the digits, and then the wrong labels of the training set by heart.
pixels, classes = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
classes = np.where(rng.random(len(classes)) < 1 / 3, rng.integers(10, size=len(classes)), classes)
x_train, x_dev, y_train, y_dev = train_test_split(pixels / 16, classes, train_size=600, random_state=0)
model = MLPClassifier(hidden_layer_sizes=(256,), learning_rate_init=0.003, random_state=0)
best = 1.0
rules = bvtrack.StopWhen(diverged=True, overtrained=5)
with bvtrack.Tracker(human_error=0.3, at="last", stop_when=rules, on_verdict=alert) as tracker:
    tracker.log_split(train=(x_train, y_train), dev=(x_dev, y_dev))
    for epoch in range(200):
        model.partial_fit(x_train, y_train, classes=range(10))
        dev_error = 1 - model.score(x_dev, y_dev)
        if dev_error < best:
            best = dev_error
            Path("best.pickle").write_bytes(pickle.dumps(model))
            tracker.log_weights(checkpoints={epoch: "best.pickle"}, has_checkpoints=True)
        tracker.log_epoch(epoch, train_error=1 - model.score(x_train, y_train), dev_error=dev_error)
        if tracker.stop_reason:
            break

server.shutdown()
assert tracker.diagnosis is not None
assert tracker.stop_reason is not None
assert received
print(tracker.stop_reason)
print(tracker.diagnosis.explanation)
print("The webhook heard:", *received, sep="\n")
