"""Who does the jobs: this process, several on this machine, or several machines through Ray."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.job import Bench, Job, Worker
from kineograph.evaluation.bench.report_folder import Measured

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to one a process where several work, so that they do not get in each other's way."""

DIED = (
    "a process that measured has died, perhaps for want of memory; what is done stays: run the "
    "same command again, with fewer processes (-j)"
)

Stop = Callable[[], None]
"""Called again and again while work is done; raises what ends it."""


def here(bench: Bench, jobs: Sequence[Job], check: Stop) -> Iterator[Measured]:
    """Do jobs in this process, in their order."""
    worker = Worker(bench)
    for job in jobs:
        check()
        yield worker(job)


def processes(bench: Bench, jobs: Sequence[Job], count: int, check: Stop) -> Iterator[Measured]:
    """Do jobs in several processes of this machine; results come as they are ready.

    When the work ends early, what is being done is finished and the rest left.

    Raises:
        EvaluationError: a process died.
    """
    context = multiprocessing.get_context("spawn")
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with ProcessPoolExecutor(count, context, initializer=_begin, initargs=(bench,)) as pool:
            waiting: set[Future[Measured]] = {pool.submit(_do, job) for job in jobs}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                    check()
                    yield from (future.result() for future in done)
            except BrokenProcessPool:
                raise EvaluationError(DIED) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def machines(
    bench: Bench, jobs: Sequence[Job], count: int, address: str, check: Stop
) -> Iterator[Measured]:
    """Do jobs on a Ray cluster whose machines all see the report's folder and the data.

    Args:
        bench: what the jobs share.
        jobs: what is to be done.
        count: how many workers; each takes one CPU, and a GPU where the eyes look on "cuda".
        address: of the cluster; "local" starts one on this machine.
        check: see `Stop`.

    Raises:
        EvaluationError: Ray is not installed, the cluster is not there, or a worker died.
    """
    if find_spec("ray") is None:
        raise EvaluationError("--ray needs Ray; install it: pip install ray")
    ray: Any = import_module("ray")
    try:
        ray.init(address=None if address == "local" else address, log_to_driver=False)
    except ConnectionError as error:
        raise EvaluationError(f"there is no Ray cluster at {address}: {error}") from error
    try:
        remote = ray.remote(num_cpus=1, num_gpus=int(bench.eyes.device == "cuda"))(Worker)
        pool = [remote.remote(bench) for _ in range(count)]
        yield from _by_actors(ray, pool, jobs, check)
    finally:
        ray.shutdown()


def _by_actors(ray: Any, pool: list[Any], jobs: Sequence[Job], check: Stop) -> Iterator[Measured]:
    """Each actor does one job at a time."""
    left, idle = list(reversed(jobs)), list(pool)
    busy: dict[Any, Any] = {}
    while left or busy:
        while left and idle:
            actor = idle.pop()
            busy[actor.__call__.remote(left.pop())] = actor
        done, _ = ray.wait(list(busy), timeout=0.2)
        check()
        for reference in done:
            idle.append(busy.pop(reference))
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                raise EvaluationError(f"{DIED} ({type(error).__name__})") from None


_worker: Worker | None = None


def _begin(bench: Bench) -> None:
    global _worker
    import signal

    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began the work ends it
    cv2.setNumThreads(1)
    _worker = Worker(bench)


def _do(job: Job) -> Measured:
    assert _worker is not None
    return _worker(job)
