"""What callbacks are built of, for any framework: it hands over its metrics and its data, all else is done here.

`Training` is the contract. `examples/adapter.py` shows a whole adapter.
"""

from bvtrack.adapters.augmented import is_same
from bvtrack.adapters.budget import TimeBudget
from bvtrack.adapters.facts import as_number
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.own_error import error_measure
from bvtrack.adapters.predictions import Predictions
from bvtrack.adapters.session import Session
from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.log import WarnOnce, never_raise
from bvtrack.measures.example_error import ExampleError, measure_examples
from bvtrack.measures.measure import ErrorFunction
from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES, TrainEval, train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking.environment import human_error_from_environment, is_disabled, is_switched_on

__all__ = [
    "FEWEST_TRAIN_EXAMPLES",
    "CallbackOptions",
    "ErrorFunction",
    "ExampleError",
    "Logged",
    "Pass",
    "Predictions",
    "Session",
    "SetName",
    "SplitSample",
    "SplitSource",
    "TimeBudget",
    "TrainEval",
    "Training",
    "WarnOnce",
    "as_number",
    "choose_examples",
    "error_measure",
    "human_error_from_environment",
    "is_disabled",
    "is_same",
    "is_switched_on",
    "measure_examples",
    "never_raise",
    "preserve_random_states",
    "train_eval_size",
]
