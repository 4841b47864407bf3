"""Says whether a training suffers from bias or variance, how sure that is, and what to try next, in MLflow."""

from bvtrack.auditing.audit import audit
from bvtrack.auditing.audited import Audited
from bvtrack.curve import classify_curve
from bvtrack.data.finding import Finding
from bvtrack.data.guidelines import SplitReport, check_split
from bvtrack.data.near_duplicates import NearDuplicates, near_duplicate_embeddings
from bvtrack.data.outputs import OutputSample, compare_outputs, held_out
from bvtrack.data.profile import SplitProfile, profile
from bvtrack.data.quick_key import key_of_arrays, key_of_dataset
from bvtrack.data.sample import (
    FEWEST_TRAIN_EXAMPLES,
    MOST_READ,
    READ_SECONDS,
    SplitSample,
    TrainEval,
    choose_examples,
    in_time,
    train_eval_size,
)
from bvtrack.data.shift import ShiftReport, compare_splits
from bvtrack.data.split_source import SplitSource
from bvtrack.data.transport import pack_profile, unpack_profile
from bvtrack.diagnosis import Diagnosis, diagnose
from bvtrack.evidence import Evidence, ModelFacts, OtherRun
from bvtrack.examples import ExampleError, measure_examples
from bvtrack.forecast import Forecast, forecast_longer, forecast_more_data
from bvtrack.gaps import Gap
from bvtrack.measure import ErrorFunction, Measure, find_measure, has_diverged
from bvtrack.random_states import preserve_random_states
from bvtrack.recipe import Step, recommend
from bvtrack.report.run_report import Report, make_report
from bvtrack.tracking.environment import human_error_from_environment, is_disabled, is_switched_on
from bvtrack.tracking.harmless import harmless
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
