"""What is known of the data: split sizes, samples, distributions."""
