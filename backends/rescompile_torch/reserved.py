"""Names that PyTorch's modules have already.

A child's name is part of the state dict and stays as the spec gives it, or is refused; names of
parameters and variables give way.
"""

# The public attributes of nn.Module, as of PyTorch 2.13: a child of such a name would hide its
# parent's attribute, or be hidden by it. A test compares them with the installed PyTorch's.
_MODULE = """
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
MODULE_ATTRIBUTES = frozenset(_MODULE.split())
# What nn.Sequential has beside them.
SEQUENCE_ATTRIBUTES = frozenset(("append", "extend", "insert", "pop"))
