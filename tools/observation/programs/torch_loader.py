import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Shards(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, number):
        return torch.from_numpy(np.load(f"data/shard-{number}.npy"))


if __name__ == "__main__":
    total = sum(batch.sum() for batch in DataLoader(Shards(), num_workers=2))
    torch.save({"total": total}, "model.pt")
