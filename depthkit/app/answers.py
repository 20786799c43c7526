"""What the web service answers: the types of its JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FileKind = Literal["colored", "depth", "disparity", "npy", "side_by_side", "normals", "points", "points_glb", "mesh"]


class Answer(BaseModel):
    """What all answers have in common: they are complete and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Problem(Answer):
    """Why there is no result."""

    detail: Annotated[str, Field(description="One sentence: what is wrong, what was expected, what to do.")]


class ModelChoice(Answer):
    """A model that can be asked for."""

    name: Annotated[str, Field(description="What `model` of a request takes.")]
    gives: Annotated[str, Field(description="What its results are.", examples=["metres, indoors"])]
    licence: Annotated[str | None, Field(description="Of its weights; null where that is not known.")]


class ExampleImage(Answer):
    """An image that comes with depthkit, to try the page with."""

    title: str
    url: str
    licence: str


class State(Answer):
    """What the service is doing, and what it takes."""

    version: Annotated[str, Field(description="Of depthkit.")]
    ready: Annotated[bool, Field(description="Whether a model is loaded; a request may be sent before.")]
    loading: Annotated[str | None, Field(description="The model that is being loaded.")]
    waiting: Annotated[int, Field(description="Requests that are received, wait or run.")]
    frames: Annotated[int | None, Field(description="Of the video that is worked on, that are done.")]
    frames_in_all: Annotated[int | None, Field(description="Frames that it has; null where that is not known yet.")]
    most_waiting: Annotated[int, Field(description="With so many of them the next one is refused (503).")]
    most_bytes: Annotated[int, Field(description="Of a file.")]
    most_pixels: Annotated[int, Field(description="Of an image.")]
    most_seconds: Annotated[float, Field(description="Of a video that are read [s].")]


class FocalLength(Answer):
    """The focal length that an image is taken to have."""

    pixels: Annotated[float, Field(description="[px], at the image's own size.")]
    source: Literal["given", "exif", "assumed"]
    metres_follow: Annotated[bool, Field(description="Whether the metres are those of this focal length.")]
    field_of_view: Annotated[float, Field(description="[degrees], that the image's longer side spans.")]


class Camera(Answer):
    """A pinhole camera [px]; pixel centres at whole numbers, the first at 0."""

    fx: float
    fy: float
    cx: float
    cy: float


class Pass(Answer):
    """What one forward pass of a network takes."""

    seconds: Annotated[float, Field(description="[s], of the forward pass, on the machine as busy as it was.")]
    macs: Annotated[int, Field(description="Multiply-accumulates, attention included.")]


class Cost(Answer):
    """What the result took, beside the same model without token selection."""

    device: str
    runtime: Annotated[
        str, Field(description="What ran the network; with a keep rate torch.", examples=["onnx float32"])
    ]
    input_height: Annotated[int, Field(description="[px], of what the network saw.")]
    input_width: int
    model: Pass
    dense: Annotated[
        Pass | None,
        Field(description="Of the same model with all tokens; null where the model selects none, or is not in torch."),
    ]


class LayerTokens(Answer):
    """The patches of an image that went through one layer."""

    layer: Annotated[int, Field(description="Counted from 1.")]
    heads: Annotated[int, Field(description="How many sets of patches were chosen; `rows` has those of any of them.")]
    fraction: Annotated[float, Field(description="Of the patches, that are in `rows`.")]
    rows: Annotated[list[str], Field(description="The grid from top to bottom: 1 attended, 0 not.", examples=[["101"]])]
    covers: Annotated[
        tuple[float, float],
        Field(description="Height and width of the grid in heights and widths of the image: 1, or more with padding."),
    ]


class Colors(Answer):
    """How values become colours."""

    low: Annotated[float, Field(description="The value of the first colour; what is below has it too.")]
    high: Annotated[float, Field(description="The value of the last colour.")]
    palette: Annotated[str, Field(description="256 colours, RRGGBB each.")]
    invalid: Annotated[str, Field(description="RRGGBB where there is no value.")]


class ResultFile(Answer):
    """A file of a result, made when it is asked for."""

    name: Annotated[str, Field(description="What it is called.", examples=["photo_depth.npy"])]
    url: Annotated[str, Field(description="Its address.")]


VideoKind = Literal["colored", "side_by_side"]


class VideoAnswer(Answer):
    """The depth of a video."""

    id: Annotated[str, Field(description="Of the result, while it is kept.")]
    kind: Literal["metric", "relative"]
    frames: Annotated[int, Field(description="That were read.")]
    seconds: Annotated[float, Field(description="[s], from the first frame to the last.")]
    low: Annotated[float, Field(description="The value of the first colour, of all frames: [m], or without a unit.")]
    high: Annotated[float, Field(description="The value of the last colour.")]
    seconds_per_frame: Annotated[float, Field(description="[s], from the file to the results.")]
    runtime: Annotated[str, Field(description="As `Cost.runtime`.")]
    model: Annotated[str, Field(description="As `ModelChoice.name`.")]
    warnings: Annotated[list[str], Field(description="What to know about this result.")]
    files: Annotated[dict[VideoKind, ResultFile], Field(description="MP4 files.")]
    seconds_kept: Annotated[float, Field(description="[s]; then, or after a few more results, the addresses are gone.")]


class DepthAnswer(Answer):
    """The depth of one image."""

    id: Annotated[str, Field(description="Of the result, while it is kept.")]
    name: Annotated[str, Field(description="What the files are called.")]
    kind: Annotated[
        Literal["metric", "relative"],
        Field(description="`metric`: distance along the optical axis; `relative`: disparity, larger is nearer."),
    ]
    unit: Annotated[Literal["m", "none"], Field(description="Of the values.")]
    height: Annotated[int, Field(description="[px], of the image, upright, and of its values.")]
    width: int
    smallest: Annotated[float | None, Field(description="Valid value; null if no pixel has one.")]
    largest: float | None
    colors: Colors
    focal: Annotated[FocalLength | None, Field(description="Null where it is not known.")]
    camera: Annotated[Camera, Field(description="Gives points their shape: of `focal`, or NYU's.")]
    warnings: Annotated[list[str], Field(description="What to know about this result.")]
    model: Annotated[str, Field(description="As `ModelChoice.name`.")]
    keep_rate: Annotated[float | None, Field(description="That was asked for; null: the model as it is.")]
    licence: Annotated[str | None, Field(description="Of the weights.")]
    cost: Cost
    tokens: Annotated[list[LayerTokens], Field(description="Of the layers that select tokens.")]
    image: Annotated[str, Field(description="Address of the image as the network got it, made small, JPEG.")]
    values: Annotated[
        str, Field(description="Address of the values: float32, little-endian, row by row, height x width of them.")
    ]
    files: Annotated[
        dict[FileKind, ResultFile], Field(description="The results as files, by the names of their kinds.")
    ]
    seconds_kept: Annotated[float, Field(description="[s]; then, or after a few more results, the addresses are gone.")]
