#!/usr/bin/env bash
# Starts six standalone Flink clusters on loopback and provokes one cause of
# trouble in each of five of them; takes about seven minutes on two cores.
# Ports: 16121-16127, 16151 and 18081-18087. See common.sh for the environment.
set -u
. "$(dirname "$0")/common.sh"
mkdir -p "$WORK"; : > "$WORK/provoked.tsv"

RETRY='restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.delay: 2 s'

# ---- healthy start -------------------------------------------------------------------------
new_cluster reports 1
taskmanager reports
new_cluster payments 2 "$RETRY" 'restart-strategy.fixed-delay.attempts: 10' \
  'heartbeat.interval: 2 s' 'heartbeat.timeout: 6 s' 'taskmanager.load-balance.mode: SLOTS'
taskmanager payments
taskmanager payments
taskmanager reports
submit reports batch_report.py daily-report python
new_cluster fraud 3 "$RETRY" 'restart-strategy.fixed-delay.attempts: 2' \
  'execution.checkpointing.tolerable-failed-checkpoints: 2'
taskmanager fraud
submit reports stream_totals.py report-totals 2
submit payments stream_totals.py payment-totals 2
new_cluster clicks 4 "$RETRY" 'restart-strategy.fixed-delay.attempts: 3'
taskmanager clicks
submit fraud stream_totals.py fraud-scores 2
new_cluster search 5 'taskmanager.rpc.port: 16151'
taskmanager search
submit clicks batch_report.py click-backfill
new_cluster ads 6 "$RETRY" 'restart-strategy.fixed-delay.attempts: 1' 'slot.request.timeout: 8 s'
taskmanager ads
submit search stream_totals.py query-totals 2
submit ads batch_report.py ad-budget

# ---- provocations, healthy work between them --------------------------------------------------
provoked clicks "a job submitted whose Python function raises ValueError on every 400th record (the first about 20 s after its start)"
submit clicks click_prices.py click-prices 400

provoked payments "kill -9 of taskmanager-2 while payment-totals runs on it"
kill -9 "$(pid_of payments taskexecutor 2)"

submit reports batch_report.py hourly-report

provoked fraud "the checkpoint directory replaced by a plain file while fraud-scores runs"
mv "$WORK/fraud/checkpoints" "$WORK/fraud/checkpoints.gone" && touch "$WORK/fraud/checkpoints"

provoked search "jobmanager-2 started with the REST port of jobmanager-1"
jobmanager search -D jobmanager.rpc.port=16127
sleep 8

provoked ads "a job of parallelism 8 submitted to a cluster with 2 slots"
submit ads stream_totals.py ad-auctions 8

provoked search "taskmanager-2 started with the RPC port of taskmanager-1"
taskmanager search

taskmanager payments        # the replacement, taskmanager-3
j=$(jobs_running reports)
in_cluster reports "$FLINK_HOME/bin/flink" stop --savepointPath "$WORK/reports/savepoints" $j
submit search batch_report.py search-backfill

provoked search "jobmanager-3 started with the RPC port of jobmanager-1"
jobmanager search -D rest.port=18087

kill "$(pid_of reports taskexecutor 2)"     # planned: one TaskManager less, none of its slots in use
provoked payments "kill -STOP of taskmanager-1 (kill -CONT 20 s later)"
kill -STOP "$(pid_of payments taskexecutor 1)"
sleep 20
kill -CONT "$(pid_of payments taskexecutor 1)"

submit ads batch_report.py ad-budget
submit reports batch_report.py weekly-report python
sleep 12

# ---- the end -------------------------------------------------------------------------------------
for c in reports payments fraud clicks search ads; do shut "$c"; done
