"""Errors as the web service tells them: a status and one sentence."""

import sys
import traceback

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from depthkit.app.answers import Problem
from depthkit.app.kept_results import Gone
from depthkit.app.upload import TooLarge, TooSlow, UnknownOption
from depthkit.app.work_line import Ended, LineFull
from depthkit.errors import InputError

_SECONDS_TO_WAIT = 5  # what a client is told when the line is full


def add_problem_handlers(app: FastAPI) -> None:
    """Let `app` answer every error with a `Problem`."""

    @app.exception_handler(InputError)
    def input_error(request: Request, error: InputError) -> JSONResponse:
        status = {TooLarge: 413, TooSlow: 408, UnknownOption: 422}.get(type(error), 400)
        return _problem(status, " ".join(str(error).split()))

    @app.exception_handler(LineFull)
    def line_full(request: Request, error: LineFull) -> JSONResponse:
        sentence = f"too many images and videos are waiting already; send yours again in {_SECONDS_TO_WAIT} s"
        return _problem(503, sentence, {"Retry-After": str(_SECONDS_TO_WAIT)})

    @app.exception_handler(Ended)
    def ended(request: Request, error: Ended) -> JSONResponse:
        return _problem(503, "the page was ended before this was done; send it again when the page is there again")

    @app.exception_handler(Gone)
    def gone(request: Request, error: Gone) -> JSONResponse:
        return _problem(404, "this result is not kept any more; send the image again")

    @app.exception_handler(RequestValidationError)
    def wrong_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "request"
        return _problem(422, f"{place}: {first['msg']}; got {str(first.get('input'))[:100]!r}")

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, f"{request.method} {request.url.path[:100]}: {error.detail}", error.headers)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> JSONResponse:
        traceback.print_exception(error, file=sys.stderr)
        return _problem(500, f"depthkit failed ({type(error).__name__}); where it was started the details are shown")


def _problem(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(Problem(detail=sentence).model_dump(), status, headers)
