"""LiteLLM, imported without a word and without the network. Nothing else."""

from __future__ import annotations

import os
import warnings

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it looks its list of models up in the network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import litellm

litellm.suppress_debug_info = True

__all__ = ["litellm"]
