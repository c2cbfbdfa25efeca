"""The codes of the lint: what each stands for, what was published about it, and what to do."""

from __future__ import annotations

from ..errors import Diagnostic, Location
from ..record import record


@record
class Rule:
    """What a code stands for: its title, what was published about it, and what to do."""

    title: str
    source: str
    help: str


RULES = {
    "F101": Rule(
        "the stride of a bottleneck is on its 3x3 convolution",
        "He et al. 2015 (arXiv:1512.03385) have it on the first 1x1; on the 3x3 it is 'v1.5', "
        "torchvision's, with 6 % more multiply-adds in ResNet-50",
        "move the stride to the first 1x1, or call the network v1.5",
    ),
    "F102": Rule(
        "the branch of a residual is a single layer",
        "then it is a linear layer, y = W1 x + x, for which He et al. 2015 (arXiv:1512.03385, "
        "section 3.2) observed no advantages",
        "give the branch a second layer, with an activation between the two",
    ),
    "F103": Rule(
        "a shortcut is projected where the identity would do",
        "this is option C of He et al. 2015 (arXiv:1512.03385, section 3.3), not essential and "
        "not used in the rest of the paper; it adds parameters and multiply-adds",
        "set `shortcut: projection`, which projects only where the shape changes",
    ),
    "F104": Rule(
        "a bias stands before a batch normalisation, which takes it away again",
        "the mean that is subtracted contains it (Ioffe & Szegedy 2015, arXiv:1502.03167, "
        "section 3.2)",
        "set `bias: false`",
    ),
    "F105": Rule(
        "a residual branch ends with a ReLU, so that it can only add",
        "the signal then only grows from block to block; in ResNet-110 on CIFAR-10 the error grew "
        "from 6.61 % to 7.84 % (He et al. 2016, arXiv:1603.05027, section 4.1 and Table 2)",
        "put the activation after the addition, or before the convolutions",
    ),
    "F106": Rule(
        "there is no activation between two convolutions",
        "together they are one linear map; small kernels are stacked for the rectifications "
        "between them (Simonyan & Zisserman 2014, arXiv:1409.1556, section 2.3)",
        "put `- activation: {}` between them",
    ),
    "F107": Rule(
        "the last pre-activation block is followed by no activation",
        "its sum is neither normalised nor rectified; after the last unit He et al. 2016 "
        "(arXiv:1603.05027, appendix) have an extra activation",
        "begin the head with `- norm: {}` and `- activation: {}`",
    ),
    "F201": Rule(
        "a block is called by nothing",
        "its steps are no part of the network, and its mistakes are not all found",
        "call it by `block: NAME`, remove it, or put it into a library",
    ),
    "F202": Rule(
        "a default is taken by no step",
        "each step that could take it says itself what it is, or is of a kind that has it not",
        "remove it, or remove what the steps say",
    ),
    "F203": Rule(
        "the network has classes, but no step reads them",
        "the emitted code takes no number of classes then",
        "write `linear: {features: $classes}`, or remove the key",
    ),
}


def warning(
    code: str, at: Location | None, label: str, notes: tuple[str, ...] = (), help: str = ""
) -> Diagnostic:
    """The warning of a code at its place; `help` stands for the rule's own where it is better."""
    rule = RULES[code]
    help = help or f"{rule.help}; or silence this by `allow: [{code}]`"
    return Diagnostic(code, rule.title, at, label, help, (*notes, rule.source), "warning")
