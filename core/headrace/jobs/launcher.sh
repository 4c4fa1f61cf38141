#!/bin/sh
# Starts the cluster's Python with what is in this zip. Made for @TARGET@.
home=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
export HEADRACE_JOB="$home"
export PYTHONPATH="$home/app:$home/site-packages@MORE_PATH@"
export PATH="$home/site-packages/bin:${PATH:-/usr/local/bin:/usr/bin:/bin}"
export PYTHONDONTWRITEBYTECODE=1
export PYTHONSAFEPATH=1
unset PYTHONHOME PYTHONSTARTUP
seen=
for python in ${HEADRACE_PYTHON:+"$HEADRACE_PYTHON"} python@PYTHON@ python3 python; do
    if found=$("$python" @FLAGS@ -c 'import platform, sys; print("%d.%d" % sys.version_info[:2], platform.machine())' 2>/dev/null); then
        if [ "$found" = "@PYTHON@ @MACHINE@" ]; then
            exec "$python" @FLAGS@ "$@"
        fi
        seen="$seen $python is $found;"
    fi
done
echo "headrace: this job is for @TARGET@, and $(hostname) has none:${seen:- no Python at all}" >&2
echo "  next: install Python @PYTHON@ there (or name it: HEADRACE_PYTHON), or build the job for what is there: agents build --python --platform" >&2
exit 3
