"""What a config can get wrong about a model's parts is one sentence: `InputError`, naming the argument."""

import copy
import pickle

import pytest
import timm
import torch

from depthkit.errors import InputError
from depthkit.models import (
    Classifier,
    ClassPreProcessor,
    ClsHead,
    DeiT,
    DepthClassifier,
    DepthEstimator,
    DPTHead,
    EViT,
    GradientLoss,
    ScaleInvariantLogLoss,
    SelectorDistiller,
    TokenDistiller,
    ToMe,
    ToSA,
)
from depthkit.models.distillers.class_teacher import ClassTeacher
from depthkit.registry import MODELS

SMALL = dict(img_size=64, embed_dim=48, depth=4, num_heads=3)
BACKBONE = dict(type="DeiT", **SMALL, out_indices=(0, 1, 2, 3))
DECODER = dict(type="DPTHead", in_channels=[48] * 4)
DEPTH = dict(backbone=BACKBONE, decode_head=DECODER)
NAN = float("nan")


def raises(message: str, make: type, **arguments) -> None:
    with pytest.raises(InputError) as caught:
        make(**arguments)
    text = str(caught.value)
    assert message in text and "\n" not in text


@pytest.mark.parametrize("backbone", [DeiT, ToSA, EViT, ToMe])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(num_heads="abc"), "num_heads='abc': expected a whole number"),
        (dict(num_heads=0), "num_heads=0: expected a number of 1 or more"),
        (dict(num_heads=5), "embed_dim=48: expected a multiple of num_heads=5"),
        (dict(depth=1.5), "depth=1.5: expected a whole number"),
        (dict(patch_size=0), "patch_size=0: expected a number of 1 or more"),
        (dict(num_classes=-1), "num_classes=-1: expected a number of 0"),
        (dict(mlp_ratio=-1), "mlp_ratio=-1: expected a number above 0"),
        (dict(drop_path_rate=2), "drop_path_rate=2: expected a number below 1"),
        (dict(drop_path_rate=1), "drop_path_rate=1: expected a number below 1"),
        (dict(drop_path_rate=NAN), "drop_path_rate=nan: expected a finite number"),
        (dict(img_size=(32,)), "img_size=(32,): expected a whole number or 2 values"),
        (dict(img_size="large"), "img_size='large': expected a whole number"),
        (dict(img_size=8), "img_size=8: expected sides of one patch (16 px) at least"),
        (dict(out_indices="last"), "out_indices='last': expected"),
        (dict(out_indices=3), "out_indices=3: expected"),
        (dict(out_indices=(2, 9)), "out_indices=(2, 9): expected 0-based layers below depth=4"),
        (dict(distilled="perhaps"), "distilled='perhaps': expected True or False"),
        (dict(embed_dims=48), "unexpected keyword argument 'embed_dims'; did you mean embed_dim?"),
        (dict(drop_pathrate=0.1), "unexpected keyword argument 'drop_pathrate'; did you mean drop_path_rate?"),
        (dict(qkv_bia=True), "unexpected keyword argument 'qkv_bia'; did you mean qkv_bias?"),
        (dict(zzz=1), "unexpected keyword argument 'zzz'; see "),
        (dict(reg_tokens=(1, 2)), "reg_tokens=(1, 2): expected a whole number"),
        (dict(reg_tokens=10**30), "reg_tokens=1000000000000000000000000000000: expected a number of 1e+09 or less"),
        (dict(depth=10**30), "expected a number of 1e+09 or less"),
        (dict(drop_rate=(0.5,)), "drop_rate=(0.5,): expected a number"),
        (dict(init_values="foo"), "init_values='foo': expected a number"),
        (dict(qkv_bias={}), "qkv_bias={}: expected True or False"),
        (dict(global_pool="foo"), "global_pool='foo': expected one of ''"),
        (dict(norm_layer="foo"), "norm_layer='foo': expected the name of a layer of timm"),
        (dict(mlp_layer="foo"), "mlp_layer='foo': expected something to call"),
        (dict(pretrained=""), "is a folder; expected a .pth or .safetensors file"),
        (dict(distilled=True, reg_tokens=1), "distilled=True: expected a class token and reg_tokens=0"),
    ],
)
def test_backbones(backbone, arguments, message):
    raises(message, backbone, **{**SMALL, **arguments})


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (ToSA, dict(keep_rat=0.5), "ToSA: unexpected keyword argument 'keep_rat'; did you mean keep_rate?"),
        (ToSA, dict(keep_rate="half"), "ToSA: keep_rate='half': expected a number"),
        (ToSA, dict(keep_rate="0.5"), "ToSA: keep_rate='0.5': expected a number"),
        (ToSA, dict(keep_rate=True), "ToSA: keep_rate=True: expected a number"),
        (ToMe, dict(keep_rate="0.5"), "ToMe: keep_rate='0.5': expected a number"),
        (ToMe, dict(keep_rate=[True] * 12), "ToMe: keep_rate=[True, True, "),
        (EViT, dict(fuse_token=3), "EViT: fuse_token=3: expected True or False"),
        (DPTHead, dict(in_channels=5), "DPTHead: in_channels=5: expected"),
        (DPTHead, dict(in_channels=[8, 0]), "expected a number of 1 or more"),
        (DPTHead, dict(in_channels=[8], losses=None), "DPTHead: losses=None: expected"),
        (DPTHead, dict(in_channels=[8], losses=[3]), "expected a dict"),
        (DPTHead, dict(in_channels=[8], max_depth=None), "DPTHead: max_depth=None: expected a number"),
        (DPTHead, dict(in_channels=[8], channels=1), "DPTHead: channels=1: expected a number of 2 or more"),
        (ClsHead, dict(in_channels=0), "ClsHead: in_channels=0: expected a number of 1 or more"),
        (ClsHead, {}, "ClsHead: the argument 'in_channels' is missing"),
        (ScaleInvariantLogLoss, dict(variance_focus=-1), "variance_focus=-1: expected a number of 0"),
        (ScaleInvariantLogLoss, dict(loss_weigt=1), "did you mean loss_weight?"),
        (GradientLoss, dict(scales=0), "GradientLoss: scales=0: expected a number of 1 or more"),
        (DepthEstimator, dict(DEPTH, backbone=None), "DepthEstimator: backbone=None: expected a dict"),
        (DepthEstimator, dict(DEPTH, size_divisor=0), "size_divisor=0: expected a number of 1 or more"),
        (DepthEstimator, dict(DEPTH, canonical_focal=0), "canonical_focal=0: expected a number above 0"),
        (DepthEstimator, dict(DEPTH, test_cfg="flip"), "test_cfg='flip': expected a dict"),
        (DepthClassifier, dict(DEPTH, cls_head=dict(type="ClsHead", in_channels=48), nek={}), "did you mean neck?"),
        (Classifier, dict(backbone=BACKBONE), "Classifier: the argument 'cls_head' is missing"),
        (SelectorDistiller, dict(backbone=BACKBONE, num_rows=0), "num_rows=0: expected a number of 1 or more"),
        (TokenDistiller, dict(backbone={}, teacher={}, temperature=NAN), "temperature=nan: expected a finite number"),
        (ClassTeacher, dict(model="resnet18", weight=0.5), "did you mean loss_weight?"),
        (ClassTeacher, dict(model="resnet18", kind="firm"), "kind='firm': expected one of 'hard' or 'soft'"),
        (ClassPreProcessor, dict(erase_prob=2), "erase_prob=2: expected a number of 1"),
        (ClassPreProcessor, dict(men=[0]), "ClassPreProcessor: unexpected keyword argument 'men'; did you mean mean?"),
        (ClassPreProcessor, dict(mixup=dict(mixup_alfa=1)), "did you mean mixup_alpha?"),
    ],
)
def test_other_parts(make, arguments, message):
    raises(message, make, **{**(SMALL if make in (ToSA, EViT) else {}), **arguments})


def test_registry_and_timm_give_the_same_sentence():
    for build in (
        lambda: MODELS.build(dict(type="ToSA", **SMALL, selector_layers=3)),
        lambda: timm.create_model("tosa_deit_tiny_patch16_224", selector_layers=3),
    ):
        with pytest.raises(InputError, match="ToSA: selector_layers=3: expected one of 0, 1 or 2"):
            build()


@pytest.mark.parametrize("backbone", [DeiT, ToSA, EViT, ToMe])
def test_numbers_of_a_command_line_and_timms_arguments_are_taken(backbone):
    model = backbone(img_size=[64, 32], embed_dim="48", depth=4.0, num_heads=3, mlp_ratio=2, init_values=0.1)
    assert len(model.blocks) == 4 and model.blocks[0].mlp.fc1.out_features == 96
    assert model.patch_embed.img_size == (64, 32)
    assert model.blocks[0].ls1.gamma.shape == (48,)


@pytest.mark.parametrize("use", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_checked_models_are_copied_and_pickled(use):
    model = MODELS.build(dict(type="DepthEstimator", **DEPTH)).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(use(model).eval()(images), model(images))
