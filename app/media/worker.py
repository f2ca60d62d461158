"""The program of the process that decodes one image, with limited memory and time.

`images` starts it through `child`. It reads the file from standard input and writes its reply to standard output: a
line of JSON, then the converted file. The output of decoders is discarded. To save memory, it imports only the modules
of the gateway that it needs.
Source: setrlimit(2), prctl(2), setitimer(2).
"""

from __future__ import annotations

import json
import os
import resource
import signal
from contextlib import suppress

from app.media.decoders import load_library
from app.media.rendering import TooLarge, TooManyPixels, check, convert

# The code of programs and libraries, which processes share, takes about 14 MB in addition.
MAX_BYTES = 126 << 20
# CPU time of all threads together.
MAX_CPU_SECONDS = 1.8
_OPEN_FILES = 16
_PDEATHSIG = 1
# For small objects that are created during decoding.
_SPARE_BYTES = 2 << 20
# libde265 starts a thread. Its stack counts as used, though it is never filled.
_THREAD_STACK_BYTES = 8 << 20


def main(arguments: list[str]) -> None:
    """Run one task and end the process.

    `arguments`: `check` or `convert`; the file's size; its type; the largest output, in bytes; whether Pillow is
    installed ("pillow" or "-").
    """
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    task, size, mime, limit, library = arguments
    with open(0, "rb") as source:
        data = source.read(int(size))
    if len(data) < int(size):  # the gateway has ended
        os._exit(1)
    if task == "convert":
        from app.media.sniffer import sniff_type

        mime = sniff_type(data) or ""
    if library == "pillow":
        import PIL  # noqa: F401 - if it is missing after all, the process must fail, not the file

        with suppress(ImportError):  # the decoder of this type is not installed
            load_library(mime)
    decode_bytes = restrict(_THREAD_STACK_BYTES if mime == "image/heic" else 0)
    reply, output = run_task(task, data, mime, int(limit), decode_bytes if library == "pillow" else None)
    for part in (json.dumps(reply).encode() + b"\n", output):
        view = memoryview(part)
        while view:
            view = view[os.write(out, view) :]
    os._exit(0)


def restrict(stack_bytes: int = 0) -> int:
    """Limit memory, CPU time and files of this process. `stack_bytes`: extra memory for a thread's stack.

    Returns the bytes that decoding may use.
    """
    with suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    space, used = _read_sizes()
    decode_bytes = MAX_BYTES - used
    limits = {
        resource.RLIMIT_DATA: MAX_BYTES + stack_bytes,
        resource.RLIMIT_AS: space + decode_bytes + stack_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for number, limit in limits.items():
        with suppress(OSError, ValueError):  # some systems do not support all of them
            resource.setrlimit(number, (limit, limit))
    signal.setitimer(signal.ITIMER_PROF, MAX_CPU_SECONDS)
    return decode_bytes - _SPARE_BYTES


def _read_sizes() -> tuple[int, int]:
    """The bytes of address space in use, and of data in use. Source: proc(5), statm."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = [int(number) for number in file.read().split()]
    except OSError:
        return MAX_BYTES, MAX_BYTES // 4
    return pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()


def run_task(
    task: str, data: bytes, mime: str, limit: int, decode_bytes: int | None
) -> tuple[dict[str, str | int], bytes]:
    """Run a task. Returns the reply and the output. `decode_bytes`: the memory for decoding; None without Pillow."""
    try:
        if task == "check":
            check(data, mime, decode_bytes)
            return {"verdict": "passed"}, b""
        output, kind, animated = convert(data, mime, limit, decode_bytes or 0)
    except TooManyPixels as fault:
        return {"verdict": "too_many_pixels", "pixels": fault.pixels}, b""
    except TooLarge:
        return {"verdict": "too_large"}, b""
    except Exception:  # noqa: BLE001 - decoders raise anything for bytes that they don't understand
        return {"verdict": "unreadable"}, b""
    return {"verdict": "converted", "mime": kind, "note": "first_frame" if animated else ""}, output
