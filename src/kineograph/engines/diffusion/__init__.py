"""What sampling with diffusion models is made of: guidance, schedulers, windows, memory."""
