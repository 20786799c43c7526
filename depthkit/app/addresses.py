"""The addresses of the web service that programs use, with the types of what they take and answer."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from depthkit.app.answers import (
    DepthAnswer,
    ExampleImage,
    FileKind,
    ModelChoice,
    Problem,
    State,
    VideoAnswer,
    VideoKind,
)
from depthkit.app.examples import list_examples
from depthkit.app.kept_results import KeptResult, KeptVideos
from depthkit.app.service import Service
from depthkit.app.upload import UnknownOption, stem_of

_UNSTORED = {"Cache-Control": "no-store"}
_CHUNK = 2**20  # [bytes]
_MEDIA_TYPES = {
    ".png": "image/png",
    ".npy": "application/octet-stream",
    ".ply": "application/octet-stream",
    ".glb": "model/gltf-binary",
}
_BODY = {
    "required": True,
    "description": "The bytes of an image's file: JPEG, PNG, TIFF, WebP, AVIF and others.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_PROBLEMS = {
    400: {"model": Problem, "description": "Not an image, damaged, too many pixels, or a wrong number."},
    403: {"model": Problem, "description": "From another site, or under a foreign name."},
    408: {"model": Problem, "description": "The file arrived too slowly."},
    413: {"model": Problem, "description": "The file has too many bytes."},
    422: {"model": Problem, "description": "An unknown option, or a value of another kind than expected."},
    503: {"model": Problem, "description": "Too many are waiting; come back after `Retry-After`."},
}
_GONE = {404: {"model": Problem, "description": "The result is not kept any more."}}


Model = Annotated[str | None, Query(description="One of `/api/models`; the first if left out.")]
KeepRate = Annotated[
    float | None,
    Query(
        gt=0, le=1, description="Fraction of the patches that attend in some layers; if left out, the model as it is."
    ),
]
Focal = Annotated[
    float | None,
    Query(gt=0, description="Focal length [px] at the own size; if left out, that of EXIF, or an assumed one."),
]
Name = Annotated[str, Query(description="Of the file, for the names of the results.")]


def make_router(service: Service) -> APIRouter:
    """Make the addresses below `/api`."""
    router = APIRouter(prefix="/api", tags=["depth"], dependencies=[Depends(_check_options)])

    @router.get("/state", summary="What the service is doing, and what it takes")
    async def state() -> State:
        return service.state()

    @router.get("/models", summary="The models that can be asked for, the usual one first")
    async def models() -> list[ModelChoice]:
        return [
            ModelChoice(name=choice.name, gives=choice.gives, licence=choice.licence)
            for choice in service.choices.values()
        ]

    @router.get("/examples", summary="Images to try")
    async def examples() -> list[ExampleImage]:
        return list_examples()

    @router.post(
        "/depth", summary="Predict the depth of an image", responses=_PROBLEMS, openapi_extra={"requestBody": _BODY}
    )
    async def depth(
        request: Request,
        model: Model = None,
        keep_rate: KeepRate = None,
        focal: Focal = None,
        name: Name = "image",
    ) -> DepthAnswer:
        stem = stem_of(name)
        service.find_choice(model)
        service.line.check_place()  # before the file is sent for nothing
        async with service.uploads.receive(request, name, "an image") as content:
            with service.line.place():
                answer = await service.predict(content, name, stem, model, keep_rate, focal, request.is_disconnected)
        return answer if answer is not None else Response(status_code=499)  # nobody is there to read it

    @router.post(
        "/video",
        summary="Predict the depth of a video",
        responses=_PROBLEMS,
        openapi_extra={"requestBody": {**_BODY, "description": "The bytes of a video's file: MP4, MOV, MKV, WebM."}},
    )
    async def video(
        request: Request, model: Model = None, keep_rate: KeepRate = None, focal: Focal = None, name: Name = "video"
    ) -> VideoAnswer:
        stem = stem_of(name)
        service.find_choice(model)
        service.line.check_place()
        gone = request.is_disconnected
        async with service.uploads.receive(request, name, "a video") as content:
            with service.line.place():
                answer = await service.predict_video(content, name, stem, model, keep_rate, focal, gone)
        return answer if answer is not None else Response(status_code=499)

    @router.get(
        "/results/{id}/videos/{kind}",
        summary="The depth of a video as a video",
        response_class=Response,
        responses={**_GONE, 200: {"content": {"video/mp4": {}}}},
    )
    async def video_file(id: str, kind: VideoKind) -> Response:
        name, content = service.kept.get(id, KeptVideos).files[kind]
        headers = {**_UNSTORED, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type="video/mp4", headers=headers)

    @router.get(
        "/results/{id}/values",
        summary="All values of a result: float32, little-endian, row by row",
        response_class=Response,
        responses={**_GONE, 200: {"content": {"application/octet-stream": {}}}},
    )
    async def values(id: str) -> Response:
        from depthkit.app.result_files import value_bytes

        content = value_bytes(service.kept.get(id, KeptResult).result)
        return Response(content, media_type="application/octet-stream", headers=_UNSTORED)

    @router.get(
        "/results/{id}/image.jpg",
        summary="The image of a result, upright, at most 2048 px",
        response_class=Response,
        responses={**_GONE, 200: {"content": {"image/jpeg": {}}}},
    )
    async def image(id: str) -> Response:
        from depthkit.app.result_files import small_image

        result = service.kept.get(id, KeptResult).result
        content = await service.work(lambda: small_image(result))
        return Response(content, media_type="image/jpeg", headers=_UNSTORED)

    @router.get(
        "/results/{id}/files/{kind}",
        summary="A result as a file",
        response_class=StreamingResponse,
        responses={**_GONE, **_PROBLEMS, 200: {"content": {"application/octet-stream": {}}}},
    )
    async def file(request: Request, id: str, kind: FileKind) -> StreamingResponse:
        from depthkit.app.result_files import file_endings, open_file

        kept = service.kept.get(id, KeptResult)
        with service.line.place():
            opened = await service.work(lambda: open_file(kept.result, kind))
        name = f"{kept.name}_{file_endings(kept.result)[kind]}"
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        media_type = _MEDIA_TYPES[PurePath(name).suffix]
        headers = {**_UNSTORED, "Content-Disposition": disposition}
        return StreamingResponse(_chunks(opened), media_type=media_type, headers=headers)

    @router.delete("/results/{id}", summary="Forget a result", status_code=204)
    async def forget(id: str) -> None:
        service.kept.forget(id)

    return router


def _check_options(request: Request) -> None:
    """Raise `UnknownOption` if the request has an option that its address does not have."""
    known = [option.alias for option in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            expected = f"expected some of {', '.join(known)}" if known else "it takes none"
            raise UnknownOption(f"{name[:100]}: is not an option of {request.url.path[:100]}; {expected}")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
