"""Says whether a training suffers from bias or variance, how sure that is, and what to try next, in MLflow."""

from .auditing.audit import audit as audit
from .auditing.audited import Audited as Audited
from .auditing.configurations import Configuration as Configuration, configurations as configurations
from .auditing.run_report import Report as Report, make_report as make_report
from .auditing.shown_run import show as show
from .curves.curve import classify_curve as classify_curve
from .curves.forecast import Forecast as Forecast, forecast_longer as forecast_longer
from .curves.more_data import forecast_more_data as forecast_more_data
from .diagnosis.diagnosis import Diagnosis as Diagnosis
from .diagnosis.rule import diagnose as diagnose
from .diagnosis.evidence import Evidence as Evidence, ModelFacts as ModelFacts, OtherRun as OtherRun
from .diagnosis.recipe import Step as Step, recommend as recommend
from .diagnosis.run_verdict import Verdict as Verdict
from .diagnosis.stopping import StopWhen as StopWhen
from .estimators.diagnose import diagnose_estimator as diagnose_estimator
from .estimators.result import DiagnosedEstimator as DiagnosedEstimator
from .error_rates.gaps import Gap as Gap
from .measures.measure import Measure as Measure, find_measure as find_measure
from .splits.comparing.outputs import compare_outputs as compare_outputs
from .splits.comparing.shift import ShiftReport as ShiftReport, compare_splits as compare_splits
from .splits.finding import Finding as Finding
from .splits.near_duplicates.images import (
    NearDuplicates as NearDuplicates,
    near_duplicate_embeddings as near_duplicate_embeddings,
)
from .splits.profiling.pickling import pack_profile as pack_profile, unpack_profile as unpack_profile
from .splits.profiling.profile import SplitProfile as SplitProfile, profile as profile
from .splits.sizes import SplitReport as SplitReport, check_split as check_split
from .tracking.group import group as group
from .tracking.tracker import Tracker as Tracker
from .version import __version__ as __version__

__all__: list[str]
