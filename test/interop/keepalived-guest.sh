#!/usr/bin/env bash
# What ipvs-node runs as a director of the seed: keepalived-guest.sh DIR ADDRESS MAC. What is in DIR tells it what to do:
#   power    while it is there, the director runs
#   wanted   while it is there, keepalived runs, by the file keepalived.conf
set -u
dir=$1 address=$2 mac=$3
card=enp0s8

ip link set vec0 name "$card" address "$mac"
ip addr add "$address" dev "$card"
ip link set "$card" up

pid=
follow_keepalived() {
	if [ -e "$dir/wanted" ] && [ -z "$pid" ]; then
		keepalived -n -l -G -D -f "$dir/keepalived.conf" -p /run/parent -r /run/vrrp -c /run/checkers &
		pid=$!
	elif [ ! -e "$dir/wanted" ] && [ -n "$pid" ]; then
		kill "$pid"
		wait "$pid"
		pid=
		echo director: keepalived stopped
	fi
}

# sleep would be a process, and those are slow in here
mkfifo /run/silence
exec 3<>/run/silence
pause() { read -rt 0.05 -u 3; }

echo director: ready
while [ -e "$dir/power" ]; do
	follow_keepalived
	pause
done
exit 0
