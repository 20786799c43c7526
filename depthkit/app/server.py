"""The web service: a page, and the addresses that it uses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import fastapi_swagger
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

import depthkit
from depthkit.app import examples
from depthkit.app.addresses import make_router
from depthkit.app.guard import Guard
from depthkit.app.problems import add_problem_handlers
from depthkit.app.service import Service

STATIC = Path(__file__).parent / "static"
SWAGGER = Path(fastapi_swagger.__file__).parent / "resources"
# Swagger's own page sets styles from its script.
_DOCS_POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
_DESCRIPTION = """Depth from one image.

Send the bytes of an image's file to `/api/depth`: `curl --data-binary @photo.jpg http://127.0.0.1:8000/api/depth`.
The answer says what was found, and where the values and the files of the result are, for a few minutes.
Every error is a sentence in `detail`."""


def make_app(service: Service, host: str, names: Collection[str], on_failure: Callable[[BaseException], None]) -> Guard:
    """Make the web service.

    Args:
        service: what answers.
        host: the address that it will be bound to.
        names: further names of this machine, see `Guard`.
        on_failure: called if the first model cannot be loaded.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(service.load_first(on_failure))
        yield
        loading.cancel()

    app = FastAPI(
        title="depthkit",
        version=depthkit.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    add_problem_handlers(app)
    app.include_router(make_router(service))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html", headers=_DOCS_POLICY)

    app.mount("/static", StaticFiles(directory=STATIC))
    app.mount("/examples", StaticFiles(directory=examples.FOLDER))
    app.mount("/swagger", StaticFiles(directory=SWAGGER))
    return Guard(app, host, names)
