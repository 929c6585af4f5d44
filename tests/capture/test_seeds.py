# SPDX-License-Identifier: Apache-2.0
"""Whether the random numbers of a run can come again is seen, and no program notices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture.launched import run, runs


@pytest.fixture
def told(workspace):
    """Runs a program, under the launcher or by ``lineage.run()``; what is known of its run, and what it printed."""

    def called(text, *, inside=False):
        if inside:
            text = f"import lineage\nrun = lineage.run('x')\n{text}\nrun.end()\n"
        (workspace / "draw.py").write_text(text)
        words = [sys.executable, "draw.py"]
        done = (
            subprocess.run(words, capture_output=True, text=True, check=False)
            if inside
            else run(*words, options=["--name", "x"])
        )
        assert (done.returncode, done.stderr) == (0, "")
        [found] = runs(workspace)
        return found.attributes, done.stdout

    return called


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("text", "verdict", "seeds"),
    [
        ("import random; random.seed(7); random.random()", "yes", "random.seed(7)"),
        ("import random; random.random()", "no", None),
        ("import numpy as np; np.random.seed(3); np.random.rand()", "yes", "numpy.random.seed(3)"),
        (
            "import random, numpy as np; np.random.seed(3); np.random.rand(); random.random()",
            "partly",
            "numpy.random.seed(3)",
        ),
        ("import numpy as np; np.random.default_rng(5)", "yes", "numpy.random.default_rng(5)"),
        ("import numpy as np; np.random.default_rng()", "no", "numpy.random.default_rng()"),
        ("import random; random.getstate()", None, None),
        ("print('no number')", None, None),
    ],
)
def test_what_was_seeded_and_drawn_from_gives_the_verdict(told, text, verdict, seeds, inside):
    found, _ = told(text, inside=inside)
    assert (found.get("seeded"), found.get("seeds")) == (verdict, seeds)


def test_two_runs_of_one_seed_end_in_the_same_state_and_of_another_in_another(workspace, told):
    ends = []
    for seed in (1, 1, 2):
        (workspace / "draw.py").write_text(f"import random; random.seed({seed}); random.random()")
        run(sys.executable, "draw.py", options=["--name", f"r{len(ends)}"])
        states = {n.label: n.attributes["random_state.random"] for n in runs(workspace)}
        ends.append(states[f"r{len(ends)}"])
    assert ends[0] == ends[1] != ends[2]


WORKERS = """
import multiprocessing
import numpy as np

np.random.rand()
def draw(number):
    return np.random.rand()

if __name__ == "__main__":
    workers = [multiprocessing.get_context("fork").Process(target=draw, args=(n,)) for n in range(3)]
    for one in workers: one.start()
    for one in workers: one.join()
"""


def test_workers_that_draw_the_same_numbers_are_told(told):
    found, _ = told(WORKERS)
    assert found["same_numbers_in_workers"] == "numpy.random"
    assert found["unseeded"] == "numpy.random"


PICKLED = """
import inspect, pickle, random, sys
from random import seed as before
import numpy as np
for function in (random.seed, np.random.default_rng, np.random.seed):
    again = pickle.loads(pickle.dumps(function))
    print(again.__name__, callable(again))
print(random.seed.__doc__ is not None, inspect.signature(random.seed))
before(1); a = random.random(); random.seed(1); print(a == random.random())
print([type(x).__name__ for x in sys.meta_path[:0]])
import numpy.random
print(numpy.random.__spec__.name, type(numpy.random.__loader__).__name__, numpy.random.__file__ != "")
"""


def test_what_is_looked_into_is_pickled_and_called_as_it_was(workspace, told):
    (workspace / "bare.py").write_text(PICKLED)
    bare = subprocess.run([sys.executable, "bare.py"], capture_output=True, text=True, check=True)
    assert told(PICKLED)[1] == bare.stdout


def test_a_pickle_of_it_is_loaded_where_nothing_is_captured(workspace, told):
    told("import pickle, random; open('f.pickle', 'wb').write(pickle.dumps(random.seed))")
    text = "import pickle; f = pickle.load(open('f.pickle', 'rb')); f(3); print(f.__name__)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "seed\n"


def test_a_module_that_fails_to_load_fails_as_it_would(workspace, told):
    (workspace / "torch.py").write_text("raise RuntimeError('broken')\n")
    _, out = told(
        "import sys\nsys.path.insert(0, '.')\n"
        "for _ in range(2):\n    try: import torch\n    except RuntimeError as e: print(e)\n"
        "print('torch' in sys.modules)"
    )
    assert out == "broken\nbroken\nFalse\n"


JAX = """
import inspect, pickle
import jax, jax.numpy as jnp
print(jax.random.uniform(jax.random.key(3)), jax.random.PRNGKey(7), jax.random.key(jnp.uint32(9)))
print(jax.jit(lambda seed: jax.random.uniform(jax.random.key(seed)))(4))
print(pickle.loads(pickle.dumps(jax.random.PRNGKey)) is jax.random.PRNGKey)
print(inspect.signature(jax.random.key), jax.vmap(jax.random.key)(jnp.arange(3)).shape)
"""


@pytest.mark.deep
def test_keys_of_jax_are_told_with_their_seeds_and_traced_as_before(workspace):
    uv, programs = Path(sys.executable).with_name("uv"), workspace.parent / "jax" / "bin"
    subprocess.run([uv, "venv", "--quiet", programs.parent], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", programs.parent, "jax"]
    subprocess.run(install, check=True)
    (workspace / "keys.py").write_text(JAX)
    words = [str(programs / "python"), "keys.py"]
    bare = subprocess.run(words, capture_output=True, text=True, check=True)
    done = run(*words, options=["--name", "x"])
    assert (done.returncode, done.stdout) == (0, bare.stdout)
    [found] = runs(workspace)
    assert {"jax.random.key(3)", "jax.random.PRNGKey(7)"} <= set(found.attributes["seeds"])
    assert "jax.random.key(<DynamicJaxprTracer>)" in found.attributes["seeds"]
    assert found.attributes["random.jax.default_prng_impl"] == "threefry2x32"
    assert "jax.random" not in str(found.attributes.get("unseeded"))
