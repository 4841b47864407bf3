"""Says whether a training suffers from bias or variance, how sure that is, and what to try next, in MLflow."""

from bvtrack.auditing.audit import audit
from bvtrack.auditing.audited import Audited
from bvtrack.auditing.run_report import Report, make_report
from bvtrack.curves.curve import classify_curve
from bvtrack.curves.forecast import Forecast, forecast_longer, forecast_more_data
from bvtrack.diagnosis.diagnosis import Diagnosis, diagnose
from bvtrack.diagnosis.evidence import Evidence, ModelFacts, OtherRun
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.error_rates.gaps import Gap
from bvtrack.log import harmless
from bvtrack.measures.example_error import ExampleError, measure_examples
from bvtrack.measures.measure import ErrorFunction, Measure, find_measure, has_diverged
from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES, TrainEval, train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.comparing.outputs import OutputSample, compare_outputs, held_out
from bvtrack.splits.comparing.shift import ShiftReport, compare_splits
from bvtrack.splits.content_key import key_of_arrays, key_of_dataset
from bvtrack.splits.finding import Finding
from bvtrack.splits.near_duplicates.images import NearDuplicates, near_duplicate_embeddings
from bvtrack.splits.profiling.pickling import pack_profile, unpack_profile
from bvtrack.splits.profiling.profile import SplitProfile, profile
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sample import MOST_READ, READ_SECONDS, SplitSample, in_time
from bvtrack.splits.sizes import SplitReport, check_split
from bvtrack.splits.source import SplitSource
from bvtrack.tracking.environment import human_error_from_environment, is_disabled, is_switched_on
from bvtrack.tracking.tracker import Tracker
from bvtrack.version import __version__

__all__ = [
    "FEWEST_TRAIN_EXAMPLES",
    "MOST_READ",
    "READ_SECONDS",
    "Audited",
    "Diagnosis",
    "ErrorFunction",
    "Evidence",
    "ExampleError",
    "Finding",
    "Forecast",
    "Gap",
    "Measure",
    "ModelFacts",
    "NearDuplicates",
    "OtherRun",
    "OutputSample",
    "Report",
    "ShiftReport",
    "SplitProfile",
    "SplitReport",
    "SplitSample",
    "SplitSource",
    "Step",
    "Tracker",
    "TrainEval",
    "__version__",
    "audit",
    "check_split",
    "choose_examples",
    "classify_curve",
    "compare_outputs",
    "compare_splits",
    "diagnose",
    "find_measure",
    "forecast_longer",
    "forecast_more_data",
    "harmless",
    "has_diverged",
    "held_out",
    "human_error_from_environment",
    "in_time",
    "is_disabled",
    "is_switched_on",
    "key_of_arrays",
    "key_of_dataset",
    "make_report",
    "measure_examples",
    "near_duplicate_embeddings",
    "pack_profile",
    "preserve_random_states",
    "profile",
    "recommend",
    "train_eval_size",
    "unpack_profile",
]
