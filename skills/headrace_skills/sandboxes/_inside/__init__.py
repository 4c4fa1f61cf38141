"""What stands between the worker and a script: started apart, by ``python -I -S``.

Nothing here imports headrace, or anything but the standard library: the process starts quickly,
stays small, and has one thread, so that limits and walls can be set between fork and exec.
"""
