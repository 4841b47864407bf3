"""Parts for writing a callback for any framework, which hands over its metrics and data; the rest is done here.

`Training` is the contract. `examples/adapter.py` shows a whole adapter.
"""

from bvtrack.adapters.augmented import is_same
from bvtrack.adapters.budget import TimeBudget
from bvtrack.adapters.facts import as_number, largest
from bvtrack.adapters.generators import generator_restorer
from bvtrack.adapters.held_writes import WriteGuard, guard_writes, listed
from bvtrack.adapters.known_words import SplitFaultWords, set_words, split_fault_words, step_titles
from bvtrack.adapters.named_state import attributes_of, preserve_named_state
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.own_error import error_measure, metric_measure
from bvtrack.adapters.predictions import Predictions, join_examples, measure_batches
from bvtrack.adapters.quiet_writer import NOTHING, QuietWriter, is_users_class, is_writer
from bvtrack.adapters.session import Session
from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.journal.records import EndState, end_state
from bvtrack.log import WarnOnce, never_raise
from bvtrack.measures.example_error import ExampleError, measure_examples
from bvtrack.measures.measure import ErrorFunction
from bvtrack.measures.outcomes import Seen
from bvtrack.measures.quantity import is_of_quantities
from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES, TrainEval, train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking.environment import human_error_from_environment, is_disabled, is_switched_on

__all__ = [
    "FEWEST_TRAIN_EXAMPLES",
    "NOTHING",
    "CallbackOptions",
    "EndState",
    "ErrorFunction",
    "ExampleError",
    "Logged",
    "Pass",
    "Predictions",
    "QuietWriter",
    "Seen",
    "Session",
    "SetName",
    "SplitFaultWords",
    "SplitSample",
    "SplitSource",
    "TimeBudget",
    "TrainEval",
    "Training",
    "WarnOnce",
    "WriteGuard",
    "as_number",
    "attributes_of",
    "choose_examples",
    "end_state",
    "error_measure",
    "generator_restorer",
    "guard_writes",
    "human_error_from_environment",
    "is_disabled",
    "is_of_quantities",
    "is_same",
    "is_switched_on",
    "is_users_class",
    "is_writer",
    "join_examples",
    "largest",
    "listed",
    "measure_batches",
    "measure_examples",
    "metric_measure",
    "never_raise",
    "preserve_named_state",
    "preserve_random_states",
    "set_words",
    "split_fault_words",
    "step_titles",
    "train_eval_size",
]
