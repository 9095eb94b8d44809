"""Many runs: processes, Dask, retries, adaptive replications, progress."""
