import multiprocessing


def half(number):
    import numpy as np

    np.save(f"half-{number}.npy", np.load(f"data/shard-{number}.npy") / 2)


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(half, range(4))
