"""Parts for writing a callback for any framework, which hands over its metrics and data; the rest is done here.

`Training` is the contract. `examples/adapter.py` shows a whole adapter.
"""

from bvtrack.adapters.augmented import is_same
from bvtrack.adapters.budget import TimeBudget
from bvtrack.adapters.epoch_marks import mark_of_step
from bvtrack.adapters.estimator_pass import measure_pair, transformed
from bvtrack.adapters.evaluated_sets import UNNAMED, named_sets
from bvtrack.adapters.facts import as_number, largest
from bvtrack.adapters.generators import generator_restorer
from bvtrack.adapters.given_data import GivenData
from bvtrack.adapters.held_writes import WriteGuard, guard_writes, listed
from bvtrack.adapters.known_words import SplitFaultWords, set_words, split_fault_words, step_titles
from bvtrack.adapters.logged_values import RunningMeans, numbers
from bvtrack.adapters.module_passes import evaluating, from_all
from bvtrack.adapters.module_training import ModuleTraining, in_parts, picked, size_of
from bvtrack.adapters.named_state import attributes_of, preserve_named_state
from bvtrack.adapters.options import CallbackOptions, OptionArguments
from bvtrack.adapters.predicted_errors import Predicted, pass_over
from bvtrack.adapters.predictions import MOST_BYTES, Predictions, join_examples, measure_batches, outputs_in
from bvtrack.adapters.quiet_writer import NOTHING, QuietWriter, is_users_class, is_writer
from bvtrack.adapters.round_session import InRounds, RoundSession
from bvtrack.adapters.rounds import Round, Values
from bvtrack.adapters.session import Session
from bvtrack.adapters.session_holder import SessionHolder
from bvtrack.adapters.torch_modules import marks_of, module_facts
from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.estimators.error import EstimatorError, estimator_error
from bvtrack.estimators.facts import estimator_facts
from bvtrack.estimators.kinds import within
from bvtrack.estimators.pairs import Pair
from bvtrack.journal.records import EndState, end_state
from bvtrack.log import WarnOnce, never_raise
from bvtrack.measures.example_error import ExampleError, measure_examples
from bvtrack.measures.measure import ErrorFunction
from bvtrack.measures.outcomes import Seen
from bvtrack.measures.own_error import error_measure, metric_measure
from bvtrack.measures.quantity import is_of_quantities
from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES, TrainEval, train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.kinds import is_by_index
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.store.target import begin_active_run
from bvtrack.tracking.environment import human_error_from_environment, is_disabled, is_switched_on

__all__ = [
    "FEWEST_TRAIN_EXAMPLES",
    "MOST_BYTES",
    "NOTHING",
    "UNNAMED",
    "CallbackOptions",
    "EndState",
    "ErrorFunction",
    "EstimatorError",
    "ExampleError",
    "GivenData",
    "InRounds",
    "Logged",
    "ModuleTraining",
    "OptionArguments",
    "Pair",
    "Pass",
    "Predicted",
    "Predictions",
    "QuietWriter",
    "Round",
    "RoundSession",
    "RunningMeans",
    "Seen",
    "Session",
    "SessionHolder",
    "SetName",
    "SplitFaultWords",
    "SplitSample",
    "SplitSource",
    "TimeBudget",
    "TrainEval",
    "Training",
    "Values",
    "WarnOnce",
    "WriteGuard",
    "as_number",
    "attributes_of",
    "begin_active_run",
    "choose_examples",
    "end_state",
    "error_measure",
    "estimator_error",
    "estimator_facts",
    "evaluating",
    "from_all",
    "generator_restorer",
    "guard_writes",
    "human_error_from_environment",
    "in_parts",
    "is_by_index",
    "is_disabled",
    "is_of_quantities",
    "is_same",
    "is_switched_on",
    "is_users_class",
    "is_writer",
    "join_examples",
    "largest",
    "listed",
    "mark_of_step",
    "marks_of",
    "measure_batches",
    "measure_examples",
    "measure_pair",
    "metric_measure",
    "module_facts",
    "named_sets",
    "never_raise",
    "numbers",
    "outputs_in",
    "pass_over",
    "picked",
    "preserve_named_state",
    "preserve_random_states",
    "set_words",
    "size_of",
    "split_fault_words",
    "step_titles",
    "train_eval_size",
    "transformed",
    "within",
]
