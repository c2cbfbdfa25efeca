"""The spec language as pydantic models: what a file may say, key by key.

Unknown keys are errors. A value that varies is an expression over parameters with the sigil `$`.
Every model knows where it stands in its file (`at`), so that later passes can point at it.
"""

from .base import Model
from .blocks import BlockSpec, ParameterSpec, Port, Values
from .claims import Claim
from .common import COMMON, JOINS
from .defaults import ActivationDefaults, Defaults, InitDefaults, InitSpec, NormDefaults
from .network import InputSpec, Spec
from .operations import (
    ACTIVATION_OPTIONS,
    ACTIVATIONS,
    NORM_OPTIONS,
    NORMS,
    OPERATIONS,
    SHORTCUTS,
    Activation,
    ActivationKind,
    DepthwiseConv,
    Norm,
    NormKind,
    ShortcutKind,
)
from .steps import (
    WORDS,
    Branches,
    BranchSpec,
    Residual,
    Shortcut,
    ShortcutArgument,
    ShortcutField,
    Step,
    StepOrSteps,
    Steps,
)
from .table import Table
from .weights import Checkpoint, Preprocessing

__all__ = [
    "ACTIVATIONS",
    "ACTIVATION_OPTIONS",
    "Activation",
    "ActivationDefaults",
    "ActivationKind",
    "BlockSpec",
    "BranchSpec",
    "Branches",
    "COMMON",
    "Checkpoint",
    "Claim",
    "Defaults",
    "DepthwiseConv",
    "InitDefaults",
    "InitSpec",
    "InputSpec",
    "JOINS",
    "Model",
    "NORMS",
    "NORM_OPTIONS",
    "Norm",
    "NormDefaults",
    "NormKind",
    "OPERATIONS",
    "ParameterSpec",
    "Port",
    "Preprocessing",
    "Residual",
    "SHORTCUTS",
    "Shortcut",
    "ShortcutArgument",
    "ShortcutField",
    "ShortcutKind",
    "Spec",
    "Step",
    "StepOrSteps",
    "Table",
    "Steps",
    "Values",
    "WORDS",
]
