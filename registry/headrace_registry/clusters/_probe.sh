#!/bin/sh
# Tells what a Flink worker finds on its machine, and fails: Flink passes on what a failing Python
# printed. It is started in the place of a worker's Python.
echo "headrace-probe 1"
for python in ${HEADRACE_PYTHON:+"$HEADRACE_PYTHON"} python3.10 python3.11 python3.12 python3 python; do
    if found=$("$python" -S -c 'import platform, sys; print("%d.%d" % sys.version_info[:2], platform.machine())' 2>/dev/null); then
        echo "python $found $python"
    fi
done
echo "machine $(uname -s) $(uname -m)"
echo "libc $(getconf GNU_LIBC_VERSION 2>/dev/null || echo other)"
for command in @COMMANDS@; do
    command -v "$command" >/dev/null 2>&1 && echo "command $command"
done
for secret in @SECRETS@; do
    if env | grep -q "^$secret=" || [ -r "${HEADRACE_SECRETS:-/etc/headrace/secrets}/$secret" ]; then
        echo "secret $secret"
    fi
done
if [ -n "@PACKAGES@" ]; then
    for python in ${HEADRACE_PYTHON:+"$HEADRACE_PYTHON"} python@PYTHON@ python3; do
        "$python" -c 'import importlib.metadata as m, sys
for name in sys.argv[1:]:
    try: print("package", name, m.version(name))
    except m.PackageNotFoundError: pass' @PACKAGES@ 2>/dev/null && break
    done
fi
echo "headrace-probe end"
exit 3
