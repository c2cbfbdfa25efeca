"""What an emitted file says for itself; here for the tools that check the helpers."""

from collections.abc import Callable

from onnx import helper

OPSET, DOMAIN = 21, ""
OPSETS = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
conv_init: Callable
linear_init: Callable
