"""The commands of `bvtrack`, one module each."""
