"""CPython's pools, measured as Row.ts does: `python3 cpython.py ROW thread|process`. Prints the figures as JSON."""

import json
import os
import resource
import sys
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

WORKERS = 2
NUMBERS = 1_000_000
CHUNK = 1024


def increment(n):
    return n + 1


def size(data):
    return len(data)


def leave(code):
    os._exit(code)


def children(pid):
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            yield from file.read().split()


def cpu():
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = (own.ru_utime + own.ru_stime) * 1e6
    for child in children(os.getpid()):
        for thread in os.listdir(f"/proc/{child}/task"):
            with open(f"/proc/{child}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0]) / 1000
    return total


def resident():
    total = 0
    for pid in [str(os.getpid()), *children(os.getpid())]:
        with open(f"/proc/{pid}/status") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024
    return total


def keep(submit, depth, seconds):
    end = time.perf_counter() + seconds
    waiting = deque(submit() for _ in range(depth))
    count = 0
    while waiting:
        waiting.popleft().result()
        count += 1
        if time.perf_counter() < end:
            waiting.append(submit())
    return count


def rate(work):
    used = cpu()
    began = time.perf_counter()
    count = work()
    seconds = time.perf_counter() - began
    return {"per second": count / seconds, "CPU µs": (cpu() - used) / count}


def measure(row, kind):
    pools = {"thread": ThreadPoolExecutor, "process": ProcessPoolExecutor}
    make = pools[kind]
    if row.startswith("submit") or row == "copy":
        pool = make(WORKERS)
        depth = 4 if row == "copy" else int(row[6:])
        submit = (lambda: pool.submit(size, bytes(2**20))) if row == "copy" else (lambda: pool.submit(increment, 1))
        keep(submit, depth, 0.5)
        return rate(lambda: keep(submit, depth, 1))
    if row == "map":
        pool = make(WORKERS)
        # a pool of threads has no chunks
        numbers = range(NUMBERS if kind == "process" else NUMBERS // 50)
        work = lambda: len(list(pool.map(increment, numbers, chunksize=CHUNK)))
        work()
        return rate(work)
    if row == "boot":
        used = cpu()
        began = time.perf_counter()
        pool = make(1)
        pool.submit(increment, 1).result()
        return {"ms": (time.perf_counter() - began) * 1000, "CPU ms": (cpu() - used) / 1000}
    if row == "memory":

        def idle(count):
            pool = make(count)
            for future in [pool.submit(time.sleep, 0.3) for _ in range(count)]:
                future.result()
            return pool, resident()

        one, before = idle(1)
        more, after = idle(4)
        return {"MiB": (after - before) / 4 / 2**20}
    if row == "crash":
        pool = make(1)
        pool.submit(increment, 1).result()
        began = time.perf_counter()
        first = None
        failed = 0
        pool.submit(leave, 1)
        innocents = []
        try:
            for _ in range(8):
                innocents.append(pool.submit(increment, 1))
        except Exception:
            pass
        failed = 8 - len(innocents)
        for future in innocents:
            try:
                future.result(timeout=5)
                first = first or time.perf_counter() - began
            except Exception:
                failed += 1
        while first is None and time.perf_counter() - began < 5:
            try:
                pool.submit(increment, 1).result(timeout=5)
                first = time.perf_counter() - began
            except Exception:
                time.sleep(0.001)
        return {"ms": "never" if first is None else first * 1000, "innocents failed, of 8": failed}
    raise SystemExit(f"there is no row {row}")


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])), flush=True)
    os._exit(0)
