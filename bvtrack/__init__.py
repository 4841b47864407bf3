"""Says whether a training suffers from bias or variance, how sure that is, and what to try next, in MLflow.

The public names stand in `__init__.pyi`; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
