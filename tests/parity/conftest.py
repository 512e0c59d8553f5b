# these run the original code, which is not installed here
collect_ignore_glob = ["record_*.py"]
