from safetensors.numpy import load_file, save_file

weights = load_file("data/weights.safetensors")
save_file({name: each * 2 for name, each in weights.items()}, "out.safetensors")
