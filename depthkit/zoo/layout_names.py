"""The names of the same tensors in the files of published depth models, and in depthkit.

In a template ``{p}`` stands for ``weight`` or ``bias`` and the other letters for numbers. A name is made of
``{b}`` layer, ``{i}`` level from fine to coarse (0 to 3), ``{n}`` = i + 1, ``{r}`` = 3 - i, ``{c}`` place of a
convolution in a residual unit (1 or 3 in depthkit), ``{m}`` its number (1 or 2), ``{k}`` place in the last
convolutions (0 or 2), ``{k+2}`` and ``{k//2+2}`` computed from it.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """How a project names the tensors of a depth model.

    Attributes:
        family: the models that are published so, in words.
        marker: a tensor that no other layout has.
        names: templates of depthkit's names, and of the file's.
        unused: regular expressions of what such files hold and no prediction needs.
    """

    family: str
    marker: str
    names: dict[str, str]
    unused: tuple[str, ...]

    @property
    def of_authors(self) -> bool:
        """Whether the authors' own code writes it."""
        return not self.family.endswith("(of transformers)")

    def name_of(self, own: str) -> str | None:
        """Return the file's name of a tensor of depthkit's, None where such files do not have it.

        ``{qkv}`` is left in the name of what a file holds as three tensors: query, key and value.
        """
        for template, theirs in self.names.items():
            found = re.fullmatch(_pattern(template), own)
            if found:
                return _fill(theirs, found.groupdict())
        return None


def _pattern(template: str) -> str:
    parts = re.escape(template).replace(r"\{p\}", "(?P<p>weight|bias)")
    return re.sub(r"\\\{(\w)\\\}", r"(?P<\1>\\d+)", parts)


def _fill(template: str, found: dict[str, str]) -> str:
    numbers = {name: int(value) for name, value in found.items() if name != "p"}
    values = {**found, "qkv": "{qkv}"}
    if "i" in numbers:
        values |= {"n": numbers["i"] + 1, "r": 3 - numbers["i"]}
    if "c" in numbers:
        values["m"] = numbers["c"] // 2 + 1
    if "k" in numbers:
        values |= {"k+2": numbers["k"] + 2, "k//2+2": numbers["k"] // 2 + 2}
    return re.sub(r"\{([^}]+)\}", lambda place: str(values[place[1]]), template)


# The reference implementation of DPT calls the fusion so, and everything that was made from it.
_SCRATCH = {
    "decode_head.adapters.{i}.{p}": "scratch.layer{n}_rn.{p}",
    "decode_head.laterals.{i}.convs.{c}.{p}": "scratch.refinenet{n}.resConfUnit1.conv{m}.{p}",
    "decode_head.fusions.{i}.convs.{c}.{p}": "scratch.refinenet{n}.resConfUnit2.conv{m}.{p}",
    "decode_head.out_convs.{i}.{p}": "scratch.refinenet{n}.out_conv.{p}",
}
_DEPTH_ANYTHING_HEAD = {
    "decode_head.resamples.{i}.0.{p}": "projects.{i}.{p}",
    "decode_head.resamples.{i}.1.{p}": "resize_layers.{i}.{p}",
    "decode_head.resamples.{i}.{p}": "projects.{i}.{p}",  # the level that keeps its size has nothing else
    **_SCRATCH,
    "decode_head.reduce.{p}": "scratch.output_conv1.{p}",
    "decode_head.head.{k}.{p}": "scratch.output_conv2.{k}.{p}",
    "decode_head.sky_head.{k}.{p}": "scratch.sky_output_conv2.{k}.{p}",
}
_VIT = (
    "cls_token",
    "pos_embed",
    "patch_embed.proj.{p}",
    "blocks.{b}.norm1.{p}",
    "blocks.{b}.attn.qkv.{p}",
    "blocks.{b}.attn.proj.{p}",
    "blocks.{b}.ls1.gamma",
    "blocks.{b}.norm2.{p}",
    "blocks.{b}.mlp.fc1.{p}",
    "blocks.{b}.mlp.fc2.{p}",
    "blocks.{b}.ls2.gamma",
    "norm.{p}",
)
_NECK = {
    "decode_head.readouts.{i}.project.0.{p}": "neck.reassemble_stage.readout_projects.{i}.0.{p}",
    "decode_head.resamples.{i}.0.{p}": "neck.reassemble_stage.layers.{i}.projection.{p}",
    "decode_head.resamples.{i}.1.{p}": "neck.reassemble_stage.layers.{i}.resize.{p}",
    "decode_head.resamples.{i}.{p}": "neck.reassemble_stage.layers.{i}.projection.{p}",
    "decode_head.adapters.{i}.{p}": "neck.convs.{i}.{p}",
    "decode_head.laterals.{i}.convs.{c}.{p}": "neck.fusion_stage.layers.{r}.residual_layer1.convolution{m}.{p}",
    "decode_head.fusions.{i}.convs.{c}.{p}": "neck.fusion_stage.layers.{r}.residual_layer2.convolution{m}.{p}",
    "decode_head.out_convs.{i}.{p}": "neck.fusion_stage.layers.{r}.projection.{p}",
}


def _timm_vit(prefix: str) -> dict[str, str]:
    """Return the names of a backbone that the file calls `prefix`, with timm's names inside."""
    return {f"backbone.{name}": prefix + name for name in _VIT}


def _transformers_vit(prefix: str, layer: dict[str, str]) -> dict[str, str]:
    """Return the names of a backbone of transformers; `layer` has those that differ from model to model."""
    names = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj.{p}": "embeddings.patch_embeddings.projection.{p}",
        "blocks.{b}.attn.qkv.{p}": "encoder.layer.{b}.attention.attention.{qkv}.{p}",
        "blocks.{b}.attn.proj.{p}": "encoder.layer.{b}.attention.output.dense.{p}",
        "norm.{p}": "layernorm.{p}",
        **{f"blocks.{{b}}.{ours}": f"encoder.layer.{{b}}.{theirs}" for ours, theirs in layer.items()},
    }
    return {f"backbone.{ours}": f"{prefix}.{theirs}" for ours, theirs in names.items()}


LAYOUTS = (
    Layout(
        "Depth-Anything 1 or 2",
        "depth_head.scratch.output_conv1.weight",
        {
            **_timm_vit("pretrained."),
            **{ours: f"depth_head.{theirs}" for ours, theirs in _DEPTH_ANYTHING_HEAD.items()},
        },
        (r"pretrained\.mask_token", r"depth_head\.scratch\.refinenet4\.resConfUnit1\..+"),
    ),
    Layout(
        "Depth-Anything 1 or 2 (of transformers)",
        "backbone.embeddings.cls_token",
        {
            **_transformers_vit(
                "backbone",
                {
                    "norm1.{p}": "norm1.{p}",
                    "ls1.gamma": "layer_scale1.lambda1",
                    "norm2.{p}": "norm2.{p}",
                    "mlp.fc1.{p}": "mlp.fc1.{p}",
                    "mlp.fc2.{p}": "mlp.fc2.{p}",
                    "ls2.gamma": "layer_scale2.lambda1",
                },
            ),
            **_NECK,
            "decode_head.reduce.{p}": "head.conv1.{p}",
            "decode_head.head.{k}.{p}": "head.conv{k//2+2}.{p}",
        },
        (r"backbone\.embeddings\.mask_token", r"neck\.fusion_stage\.layers\.0\.residual_layer1\..+"),
    ),
    Layout(
        "Depth-Anything-3",
        "model.head.scratch.output_conv1.weight",
        {
            **_timm_vit("model.backbone.pretrained."),
            **{ours: f"model.head.{theirs}" for ours, theirs in _DEPTH_ANYTHING_HEAD.items()},
        },
        (r"model\.backbone\.pretrained\.mask_token", r"model\.head\.scratch\.refinenet4\.resConfUnit1\..+"),
    ),
    Layout(
        "DPT",
        "pretrained.model.cls_token",
        {
            **_timm_vit("pretrained.model."),
            "decode_head.readouts.{i}.project.0.{p}": "pretrained.act_postprocess{n}.0.project.0.{p}",
            "decode_head.resamples.{i}.0.{p}": "pretrained.act_postprocess{n}.3.{p}",
            "decode_head.resamples.{i}.1.{p}": "pretrained.act_postprocess{n}.4.{p}",
            "decode_head.resamples.{i}.{p}": "pretrained.act_postprocess{n}.3.{p}",
            **_SCRATCH,
            "decode_head.reduce.{p}": "scratch.output_conv.0.{p}",
            "decode_head.head.{k}.{p}": "scratch.output_conv.{k+2}.{p}",
        },
        (r"pretrained\.model\.(head|pre_logits)\..+", r"scratch\.refinenet4\.resConfUnit1\..+"),
    ),
    Layout(
        "DPT (of transformers)",
        "dpt.embeddings.cls_token",
        {
            **_transformers_vit(
                "dpt",
                {
                    "norm1.{p}": "layernorm_before.{p}",
                    "norm2.{p}": "layernorm_after.{p}",
                    "mlp.fc1.{p}": "intermediate.dense.{p}",
                    "mlp.fc2.{p}": "output.dense.{p}",
                },
            ),
            **_NECK,
            "decode_head.reduce.{p}": "head.head.0.{p}",
            "decode_head.head.{k}.{p}": "head.head.{k+2}.{p}",
        },
        (r"dpt\.pooler\.dense\..+", r"neck\.fusion_stage\.layers\.0\.residual_layer1\..+"),
    ),
)

# What other files hold, by the beginning of a tensor's name: looked up in this order.
OTHERS = {
    "pretrained.model.patch_embed.backbone.": "DPT-Hybrid",
    "dpt.embeddings.backbone.": "DPT-Hybrid (of transformers)",
    "model.da3.": "the nested model of Depth-Anything-3",
    "model.cam_": "an any-view model of Depth-Anything-3",
    "core.": "ZoeDepth",
    "points_head.": "MoGe",
    "pretrained.layer1.": "MiDaS 2 (a convolutional network)",
    "blocks.0.": "a vision transformer without a decoder",
    "embeddings.patch_embeddings.": "a vision transformer (of transformers) without a decoder",
}
