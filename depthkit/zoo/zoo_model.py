"""What is known of a published model. It imports no torch."""

from dataclasses import dataclass
from typing import Literal

Output = Literal["disparity", "metric", "relative_depth"]

SHARED_FILE = "model.safetensors"  # what many repositories call their file, whatever the model
_OUTPUTS = {"disparity": "relative disparity", "relative_depth": "relative depth"}


@dataclass(frozen=True)
class Paper:
    """Where a model was published.

    Attributes:
        title: of the paper.
        authors: the first one's family name.
        venue: conference, or ``arXiv``.
        year: of the venue.
        arxiv: number at arXiv.
    """

    title: str
    authors: str
    venue: str
    year: int
    arxiv: str

    def __str__(self) -> str:
        venue = "" if self.venue == "arXiv" else f"{self.venue} "
        return f"{self.authors}: {self.title}, {venue}{self.year}, arXiv:{self.arxiv}"


@dataclass(frozen=True)
class Architecture:
    """A vision transformer and the decoder of DPT (Ranftl et al., ICCV 2021).

    Attributes:
        family: ``depth_anything`` (DINOv2, V1 and V2), ``depth_anything_3`` (the same with a second decoder for the
            sky) or ``dpt`` (an ImageNet ViT, and the class token in the decoder).
        embed_dim: channels of a token.
        depth: number of layers.
        num_heads: attention heads.
        taps: 0-based layers whose output goes to the decoder.
        level_channels: widths of the decoder's four levels before the fusion.
        channels: width of the fusion.
        parameters: number of weights that are used in a prediction.
    """

    family: Literal["depth_anything", "depth_anything_3", "dpt"]
    embed_dim: int
    depth: int
    num_heads: int
    taps: tuple[int, ...]
    level_channels: tuple[int, ...]
    channels: int
    parameters: int

    @property
    def patch_size(self) -> int:
        """Side of a patch [px]."""
        return 16 if self.family == "dpt" else 14

    @property
    def multiple(self) -> int:
        """What both sides of the network's input are multiples of [px]."""
        return 32 if self.family == "dpt" else 14


@dataclass(frozen=True)
class ZooModel:
    """A published model.

    Attributes:
        name: what `create_model` and `depthkit predict --model` take.
        title: the authors' name of it.
        architecture: of the network.
        output: what its numbers are: ``disparity`` (relative, larger is nearer, unknown scale and shift),
            ``relative_depth`` (larger is farther, unknown scale) or ``metric``.
        input_size: [px], as the authors' preprocessing takes it.
        repo: of the file at the hub.
        file: its name there.
        revision: the commit that is downloaded; None: the branch ``main``.
        sha256: of the file; None: compare with the one that the hub says.
        size: of the file [bytes], None if unknown.
        licence: SPDX identifier, or ``unresolved``.
        licence_note: what to know about the licence.
        paper: to cite.
        max_depth: largest depth [m] of a metric model whose decoder has a range. The files do not hold it.
        transformers_repo: the repository with the same weights in the layout of transformers, if there is one.
        authors_file: name of the authors' own file, where `file` is not theirs.
    """

    name: str
    title: str
    architecture: Architecture
    output: Output
    input_size: int
    repo: str
    file: str
    revision: str | None
    sha256: str | None
    size: int | None
    licence: str
    licence_note: str
    paper: Paper
    max_depth: float | None = None
    transformers_repo: str | None = None
    authors_file: str | None = None

    @property
    def kind(self) -> Literal["metric", "relative"]:
        """Whether the results are in metres."""
        return "metric" if self.output == "metric" else "relative"

    @property
    def gives(self) -> str:
        """What the numbers are, in words."""
        if self.output != "metric":
            return _OUTPUTS[self.output]
        return f"metres, up to {self.max_depth:g}" if self.max_depth else "metres, with focal"

    @property
    def own_files(self) -> tuple[str, ...]:
        """Names of files that hold this model and no other."""
        return tuple(name for name in (self.file, self.authors_file) if name and name != SHARED_FILE)

    @property
    def approximate_size(self) -> int:
        """Bytes of the file, computed from the number of weights where they are not known."""
        return self.size or 4 * self.architecture.parameters

    @property
    def url(self) -> str:
        """Where a browser finds the file."""
        return f"https://huggingface.co/{self.repo}/resolve/{self.revision or 'main'}/{self.file}"
