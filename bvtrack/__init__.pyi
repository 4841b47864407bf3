"""Says whether a training suffers from bias or variance, how sure that is, and what to try next, in MLflow."""

from .auditing.audit import audit as audit
from .auditing.audited import Audited as Audited
from .auditing.run_report import Report as Report, make_report as make_report
from .curves.curve import classify_curve as classify_curve
from .curves.forecast import Forecast as Forecast, forecast_longer as forecast_longer, forecast_more_data as forecast_more_data
from .diagnosis.diagnosis import Diagnosis as Diagnosis, diagnose as diagnose
from .diagnosis.evidence import Evidence as Evidence, ModelFacts as ModelFacts, OtherRun as OtherRun
from .diagnosis.recipe import Step as Step, recommend as recommend
from .error_rates.gaps import Gap as Gap
from .log import never_raise as never_raise
from .measures.example_error import ExampleError as ExampleError, measure_examples as measure_examples
from .measures.measure import (
    ErrorFunction as ErrorFunction,
    Measure as Measure,
    find_measure as find_measure,
    has_diverged as has_diverged,
)
from .measures.train_subset import (
    FEWEST_TRAIN_EXAMPLES as FEWEST_TRAIN_EXAMPLES,
    TrainEval as TrainEval,
    train_eval_size as train_eval_size,
)
from .random_states import preserve_random_states as preserve_random_states
from .splits.comparing.outputs import OutputSample as OutputSample, compare_outputs as compare_outputs, held_out as held_out
from .splits.comparing.shift import ShiftReport as ShiftReport, compare_splits as compare_splits
from .splits.sampling.content_key import key_of_arrays as key_of_arrays, key_of_dataset as key_of_dataset
from .splits.finding import Finding as Finding
from .splits.near_duplicates.images import (
    NearDuplicates as NearDuplicates,
    near_duplicate_embeddings as near_duplicate_embeddings,
)
from .splits.profiling.pickling import pack_profile as pack_profile, unpack_profile as unpack_profile
from .splits.profiling.profile import SplitProfile as SplitProfile, profile as profile
from .splits.reading.random_subset import choose_examples as choose_examples
from .splits.sampling.allowance import MOST_READ as MOST_READ, READ_SECONDS as READ_SECONDS, in_time as in_time
from .splits.sampling.sample import SplitSample as SplitSample
from .splits.sizes import SplitReport as SplitReport, check_split as check_split
from .splits.sampling.source import SplitSource as SplitSource
from .tracking.environment import (
    human_error_from_environment as human_error_from_environment,
    is_disabled as is_disabled,
    is_switched_on as is_switched_on,
)
from .tracking.tracker import Tracker as Tracker
from .version import __version__ as __version__

__all__: list[str]
