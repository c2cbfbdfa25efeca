"""Names that code has a use for itself, so that a child of a module cannot be called so.

They are the same for every backend: a step has one name in all of them, and in files of weights.
"""

from __future__ import annotations

import keyword

# The public attributes of modules, and what sequences of modules have beside them, in frameworks
# that have modules: a child of such a name would hide its parent's attribute, or be hidden by it.
_OF_MODULES = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
named_parameters parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
zero_grad
"""
_OF_SEQUENCES = "append extend insert pop"
KEYWORDS = frozenset(keyword.kwlist)
ATTRIBUTES = frozenset((*_OF_MODULES.split(), *_OF_SEQUENCES.split()))


def child_name(name: str) -> str:
    """What a child is called in code for which a spec has this name: `train_` for `train`.

    Of a member of a list, `train.0`, the list has the name.
    """
    first, dot, number = name.partition(".")
    return f"{first}_{dot}{number}" if first in KEYWORDS | ATTRIBUTES else name
