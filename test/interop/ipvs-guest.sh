# What the director runs (test/tools/ipvs-node): takes the addresses that it balances, knows every real server's MAC
# address, and then does what the files COMMANDS/1, COMMANDS/2 … say, as soon as they are there. It ends with them.
commands=$1 mac=$2
ip -batch - <<SETUP
link set vec0 address $mac
link set vec0 up
address add 10.0.0.11/24 dev vec0
address add 10.0.0.1/32 dev vec0
address add 10.0.0.2/32 dev vec0
address add 2001:db8::11/64 dev vec0 nodad
address add 2001:db8::1/128 dev vec0 nodad
route add default via 10.0.0.254 dev vec0
neighbour replace 10.0.0.254 lladdr 02:00:00:00:00:fe dev vec0 nud permanent
$(for last in {64..95}; do
	printf 'neighbour replace 10.0.0.%d lladdr 02:00:00:00:01:%02x dev vec0 nud permanent\n' $last $last
	printf 'neighbour replace 2001:db8::%x lladdr 02:00:00:00:01:%02x dev vec0 nud permanent\n' $last $last
done)
SETUP
mkfifo /tmp/guest/nothing
exec 9<>/tmp/guest/nothing

# Takes away services and connections. Those to real servers that are gone end when IPVS is told so.
function reset {
	local lines
	echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn
	ipvsadm -C
	until mapfile -t lines </proc/net/ip_vs_conn && ((${#lines[@]} <= 1)); do
		read -rt 0.01 -u 9 || true
	done
}

for ((number = 0; ; number++)); do
	until [ -e "$commands/$number" ]; do
		[ -d "$commands" ] || exit 0
		read -rt 0.01 -u 9 # to wait without a process
	done
	(source "$commands/$number") >"$commands/$number.out" 2>&1
	echo $? >"$commands/$number.status"
done
