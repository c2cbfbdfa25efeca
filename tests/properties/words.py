"""Names and texts for random networks: ordinary ones, and such as code may trip over."""

from __future__ import annotations

import builtins
import keyword

from rescompile.language.models import COMMON
from rescompile.language.models import WORDS as STEPS
from rescompile.reserved import ATTRIBUTES

# Words of papers and of specs, words that emitted code binds, imports or calls, attributes of the
# frameworks' classes, and words of the language itself.
COMMONPLACE = tuple(
    """
    stem conv1 conv2 conv3 bn1 bn2 norm norm1 relu relu1 relu2 act act1 act2 pool pool1 pool2
    fc head neck body trunk tail unit unit2 cell branch1 branch2 squeeze excite expand project
    shrink downsample shortcut identity skip residual layer1 layer2 layer10 stage1 stage_1
    block1 block_2 i n k x y z h w index first rest last stage stages layer layers block
    blocks module math torch keras nn ops F Tensor Conv2d conv ReLU Sequential self cls int
    bool max min range round len list super input inputs output outputs input_shape classes
    num_classes channels in_channels out_channels filters kernel kernel_size stride strides
    padding dilation groups features units rate scale mode width widths depth multiplier bias
    count name prefix path shape size value data weight running_mean T forward_pre add
    multiply concat group split from_ when repeat body_1 add_1 conv_bn conv_bn_relu maxpool
    avgpool dropout flatten linear fc1 act_ A aB Block BasicBlock Unit make_stage
    make_divisible batch_norm conv2d conv_norm stochastic_depth StochasticDepth
    channel_shuffle Permute padding_2 Model Layer layer_scale dense_init drop_rate blocks_1
    classes_1 x_1 net model conv4 stem_conv proj proj_drop reduce attention drop drop_path gap
    pooling up1 down1 low high fused side main aux stage3 layer3 group1 group2 mid entry
    exit_flow gate
    """.split()  # noqa: SIM905 - many pairs of quotes less
)

# What of frameworks a network's author may have in mind, and what files for them bind or ask for.
OF_FRAMEWORKS = tuple(
    """
    jax jnp numpy np flax nnx rngs tf tensorflow einsum Module Dense Conv2D Linear BatchNorm2d
    BatchNormalization Add Concatenate Rescaling PReLU KerasTensor keras_model functional vision
    device dtype requires_grad grad no_grad cat split chunk flatten relu6 sigmoid tanh silu gelu
    softmax pad sin cos exp log sqrt mean sum var std prod where stack initializers regularizers
    build call trainable layer_ get_config add_weight params variables init vmap jit random
    """.split()  # noqa: SIM905
)
PYTHON = tuple(n for n in (*keyword.kwlist, *keyword.softkwlist, *dir(builtins)) if n[0] != "_")
ODD = tuple(dict.fromkeys((*STEPS, *COMMON, *PYTHON, *sorted(ATTRIBUTES), *OF_FRAMEWORKS)))
WORDS = tuple(dict.fromkeys((*COMMONPLACE, *ODD)))

# Pieces that texts are put together from: escapes, quotes, templates, markup, controls.
PIECES = (
    "a plain word",
    "Deep Residual Learning (He et al. 2015)",
    r"C:\new\table",
    r"\N x",
    r"\x",
    r"\u12",
    r"\{",
    "\\",
    "\\\\",
    '"',
    '""',
    '"""',
    "'",
    "'''",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{# comment #}",
    "{0} %s %(name)s $width",
    "# noqa",
    "<b>&amp;",
    "é ü 漢字",
    r"C:\users\name\x41" * 12,
    "\\" * 201,
    "end.",
    "a_very_long_word_that_no_line_can_hold_" * 3,
)
CONTROLS = ("\u202e", "\u00a0", "\u2028", "\x1b[31m", "\x00", "\t", "\n", "\x85", "\ufeff")
