"""What the page does: predict one image at a time, and keep the last results for a while."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import depthkit
from depthkit.app.answers import DepthAnswer, State, VideoAnswer
from depthkit.app.choices import Choice
from depthkit.app.kept_results import KeptResult, KeptResults, KeptVideos, new_id
from depthkit.app.limits import Limits
from depthkit.app.upload import Uploads
from depthkit.app.work_line import Ended, WorkLine
from depthkit.errors import InputError
from depthkit.runtimes.names import IN_TORCH, RuntimeRequest
from depthkit.utils.console import input_error_message

if TYPE_CHECKING:
    from depthkit.apis.result import DepthResult
    from depthkit.app.clip import ClipDepth
    from depthkit.app.loaded_model import LoadedModel, OneModel

T = TypeVar("T")


class Service:
    """The state of one running page. All methods run in the event loop; work runs in the line's thread.

    Args:
        choices: the models by name; the first is loaded at once.
        device: see `depthkit.utils.device.select_device`.
        limits: what is taken.
        asked: what runs the networks, see `LoadedModel`.
    """

    def __init__(
        self,
        choices: Mapping[str, Choice],
        device: str,
        limits: Limits,
        asked: RuntimeRequest = IN_TORCH,
    ) -> None:
        self.choices = choices
        self.limits = limits
        self.kept = KeptResults(limits)
        self.line = WorkLine(limits.waiting)
        self.uploads = Uploads(limits)
        self._device, self._asked = device, asked
        self._model: OneModel | None = None  # made in the line's thread, because torch takes seconds to be imported
        self._loading: str | None = None
        self._ready = False
        self._frames: tuple[int, int | None] | None = None  # of a video: done, and in all as far as that is known

    def find_choice(self, name: str | None) -> Choice:
        """Return the model of this name; None: the first.

        Raises:
            InputError: there is none.
        """
        if name is None:
            return next(iter(self.choices.values()))
        if name not in self.choices:
            raise InputError(f"model {name[:100]!r}: is not offered here; expected one of {', '.join(self.choices)}")
        return self.choices[name]

    def state(self) -> State:
        """Describe what the service is doing."""
        return State(
            version=depthkit.__version__,
            ready=self._ready,
            loading=self._loading,
            waiting=self.line.taken,
            frames=self._frames[0] if self._frames else None,
            frames_in_all=self._frames[1] if self._frames else None,
            most_waiting=self.line.places,
            most_bytes=self.limits.upload_bytes,
            most_pixels=self.limits.pixels,
            most_seconds=self.limits.video_seconds,
        )

    async def load_first(self, on_failure: Callable[[BaseException], None]) -> None:
        """Load the first model; `on_failure` is called if it cannot be loaded."""
        try:
            await self.line.work(lambda: self._load(self.find_choice(None)))
        except Ended:
            return
        except Exception as error:
            on_failure(error)

    async def predict(
        self,
        content: bytes,
        name: str,
        stem: str,
        model: str | None,
        keep_rate: float | None,
        focal: float | str | None,
        is_unwanted: Callable[[], Awaitable[bool]],
    ) -> DepthAnswer | None:
        """Predict an image when its turn comes, and keep the result.

        Args:
            content: of the image's file.
            name: of the file, for messages.
            stem: what the files of the result are to be called.
            model: see `find_choice`.
            keep_rate: see `LoadedModel.predict`.
            focal: see `DepthPredictor`.
            is_unwanted: see `WorkLine.work`.

        Returns:
            None if nobody wants it any more.

        Raises:
            InputError: see `LoadedModel.predict`.
        """
        choice = self.find_choice(model)

        def do() -> "tuple[DepthAnswer, DepthResult]":
            from depthkit.app.clip import looks_like_video
            from depthkit.app.description import describe

            try:
                prediction = self._load(choice).predict(content, name, focal, keep_rate, self.limits.pixels)
            except InputError as error:
                if looks_like_video(content):
                    raise InputError(f"{name}: is not an image but a video; send it to /api/video") from error
                raise
            answer = describe(prediction, new_id(), stem, choice.name, keep_rate, self.limits.seconds_kept)
            return answer, prediction.result

        done = await self.work(do, is_unwanted)
        if done is None:
            return None
        answer, result = done
        self.kept.add(answer.id, KeptResult(stem, result))
        return answer

    async def predict_video(
        self,
        content: bytes,
        name: str,
        stem: str,
        model: str | None,
        keep_rate: float | None,
        focal: float | None,
        is_unwanted: Callable[[], Awaitable[bool]],
    ) -> VideoAnswer | None:
        """Predict a video when its turn comes, and keep the results; see `predict`.

        Raises:
            InputError: see `depthkit.app.clip.predict_clip`.
        """
        choice = self.find_choice(model)

        def do() -> "tuple[ClipDepth, str]":
            from depthkit.app.clip import predict_clip

            self._frames = 0, None
            try:
                loaded, most = self._load(choice), (self.limits.video_seconds, self.limits.pixels)
                clip = predict_clip(
                    loaded.form(keep_rate), content, name, focal, most, self._count_frame, self.line.check_wanted
                )
                return clip, loaded.runtime_of(keep_rate)
            finally:
                self._frames = None

        done = await self.work(do, is_unwanted)
        if done is None:
            return None
        id, (clip, runtime) = new_id(), done
        files = {kind: (f"{stem}_{kind}.mp4", video) for kind, video in clip.files.items()}
        self.kept.add(id, KeptVideos(files))
        return clip.describe(id, choice.name, runtime, files, self.limits.seconds_kept)

    def _count_frame(self, done: int, in_all: int | None) -> None:
        self._frames = done, in_all

    def end(self) -> None:
        """Begin nothing more; a video ends after its frame."""
        self.line.end()

    def close(self) -> None:
        """End, and wait until what runs is done."""
        self.line.close()

    async def work(self, do: Callable[[], T], is_unwanted: Callable[[], Awaitable[bool]] | None = None) -> T | None:
        """Do something in the line; what a user can cause becomes an `InputError` with one sentence."""
        try:
            return await self.line.work(do, is_unwanted)
        except Exception as error:
            message = input_error_message(error)
            if message is None or isinstance(error, InputError):
                raise
            raise InputError(message) from error

    def _load(self, choice: Choice) -> "LoadedModel":
        self._loading = choice.name
        try:
            from depthkit.app.loaded_model import OneModel

            if self._model is None:
                self._model = OneModel(self._device, self._asked)
            loaded = self._model.get(choice)
            self._ready = True
            return loaded
        finally:
            self._loading = None
