import h5py

with h5py.File("data/people.h5") as file, h5py.File("out.h5", "w") as out:
    out["twice"] = file["age"][:] * 2
