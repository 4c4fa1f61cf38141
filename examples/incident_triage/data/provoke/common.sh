# Sourced by run.sh. Needs:
#   FLINK_HOME  a Flink 2.3 distribution (bin/ conf/ lib/ opt/)
#   PYTHON      a python with apache-flink installed
#   WORK        a scratch directory (logs, pids, conf and checkpoints of every cluster)
: "${FLINK_HOME:?}" "${PYTHON:?}" "${WORK:?}"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export HOSTNAME=flink-host FLINK_IDENT_STRING=flink   # only names of log files

now() { date -u +%Y-%m-%dT%H:%M:%S.%3NZ; }

# provoked CLUSTER WHAT...: note what was done, and when
provoked() { printf '%s\t%s\t%s\n' "$(now)" "$1" "${*:2}" | tee -a "$WORK/provoked.tsv"; }

# in_cluster CLUSTER COMMAND...: run a Flink command with that cluster's conf and log directory
in_cluster() {
  local c=$WORK/$1; shift
  FLINK_CONF_DIR=$c/conf FLINK_LOG_DIR=$c/log FLINK_PID_DIR=$c/pid "$@"
}

# new_cluster NAME NUMBER [LINE OF CONFIG]...: write the conf, start one JobManager
new_cluster() {
  local name=$1 n=$2 c=$WORK/$1; shift 2
  mkdir -p "$c"/{conf,log,pid,checkpoints}
  cp "$FLINK_HOME"/conf/log4j-*.properties "$HERE"/conf/* "$c/conf/"
  {
    echo "env.java.opts.all: $(sed -n 's/^ *all: //p' "$FLINK_HOME/conf/config.yaml")"
    cat <<CONF
jobmanager.rpc.address: localhost
jobmanager.rpc.port: $((16120 + n))
jobmanager.bind-host: localhost
jobmanager.memory.process.size: 1024m
rest.address: localhost
rest.bind-address: localhost
rest.port: $((18080 + n))
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: 2
taskmanager.memory.process.size: 1280m
execution.checkpointing.interval: 4 s
execution.checkpointing.dir: file://$c/checkpoints
CONF
    printf '%s\n' "$@"
  } > "$c/conf/config.yaml"
  jobmanager "$name"
}

jobmanager()  { in_cluster "$1" "$FLINK_HOME/bin/jobmanager.sh" start "${@:2}"; }
taskmanager() { in_cluster "$1" "$FLINK_HOME/bin/taskmanager.sh" start "${@:2}"; }

# pid_of CLUSTER DAEMON NUMBER: taskexecutor 2 is the one that writes flink-...-taskexecutor-1-....log
pid_of() { sed -n "$3p" "$WORK/$1/pid/flink-flink-$2.pid"; }

# submit CLUSTER SCRIPT ARGUMENT...: detached, as a user would
submit() {
  local c=$1 s=$2; shift 2
  in_cluster "$c" "$FLINK_HOME/bin/flink" run -d -pyexec "$PYTHON" -pyclientexec "$PYTHON" \
    -py "$HERE/jobs/$s" "$@" 2>&1 | grep -E 'JobID|xception' | head -5
}

# jobs_running CLUSTER: ids of the running jobs
jobs_running() {
  in_cluster "$1" "$FLINK_HOME/bin/flink" list -r 2>/dev/null | grep -oE '\b[0-9a-f]{32}\b'
}

# shut CLUSTER: cancel what runs, stop the TaskManagers, then the JobManagers, one by one
shut() {
  local j d pid
  for j in $(jobs_running "$1"); do in_cluster "$1" "$FLINK_HOME/bin/flink" cancel "$j" >/dev/null; done
  sleep 1
  for d in taskexecutor standalonesession; do
    tac "$WORK/$1/pid/flink-flink-$d.pid" 2>/dev/null | while read -r pid; do
      kill "$pid" 2>/dev/null && tail --pid="$pid" -f /dev/null
    done
  done
}
