print("no class here")
