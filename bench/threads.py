#!/usr/bin/python3
"""Nanoseconds for a call on Python's executors and back, as bench/threads.c measures gust's: the same sizes."""
import concurrent.futures
import statistics
import time

ROUNDS, THREADS, MANY = 3, 4, 64


def add_one(number):
    return number + 1


def one_by_one(pool, count):
    for number in range(count):
        pool.submit(add_one, number).result()


def many_at_once(pool, count):
    waiting = [pool.submit(add_one, number) for number in range(MANY)]
    for number in range(MANY, count):
        waiting[number % MANY].result()
        waiting[number % MANY] = pool.submit(add_one, number)
    for future in waiting:
        future.result()


def measure(name, pool, kind, run, count):
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter_ns()
        run(pool, count)
        times.append((time.perf_counter_ns() - start) / count)
    times = times[1:]  # the first only warms up
    print(f"{name + ', ' + kind:<36} {statistics.median(times):12.1f} ns   {min(times):.1f} to {max(times):.1f}")


if __name__ == "__main__":
    for executor in (concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor):
        with executor(THREADS) as pool:
            measure(executor.__name__, pool, "one by one", one_by_one, 1000)
            measure(executor.__name__, pool, f"{MANY} at once", many_at_once, 4000)
