#!/bin/sh
# A SLURM of one node, this machine, without accounting; as root, with Debian's slurm-wlm and munge installed.
#
#     tests/cluster/one_node.sh up FOLDER      bring it up, its settings, logs and state in FOLDER
#     tests/cluster/one_node.sh down FOLDER    take it down
#
# Outside FOLDER it writes a link in /etc/slurm alone; a machine that has a SLURM of its own is left as it is.
set -eu

case "$#${1-}" in
2up | 2down) ;;
*)
    echo "usage: $0 up|down FOLDER" >&2
    exit 2
    ;;
esac
settings=/etc/slurm/slurm.conf
folder=$(mkdir -p "$2" && cd "$2" && pwd)

up() {
    if [ -e $settings ]; then
        echo "$settings is there: this machine has a SLURM already" >&2
        exit 1
    fi
    host=$(hostname -s)
    mkdir -p "$folder/state" "$folder/spool" /etc/slurm
    cat > "$folder/slurm.conf" <<END
ClusterName=one-node
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MailProg=/bin/true
ReturnToService=2
KillWait=5
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=$(free --mebi | awk '/^Mem/ { print int($2 * 0.9) }')
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
    ln -sf "$folder/slurm.conf" $settings
    head --bytes 1024 /dev/urandom > "$folder/munge.key"
    chmod 400 "$folder/munge.key"
    # by force: the folder may be one that others can write to, such as those of /tmp
    munged --force --key-file "$folder/munge.key" --socket "$folder/munge.socket" \
        --pid-file "$folder/munged.pid" --log-file "$folder/munged.log" --seed-file "$folder/munged.seed"
    slurmctld -c
    slurmd
    for _ in $(seq 60); do # half a minute
        if [ "$(sinfo --noheader --format %T 2> /dev/null)" = idle ]; then exit 0; fi
        sleep 0.5
    done
    echo "the node did not come up; see $folder/slurmctld.log and $folder/slurmd.log" >&2
    exit 1
}

down() {
    # one after the other: the last takes the word of the others along
    for daemon in slurmd slurmctld munged; do
        pid=$(cat "$folder/$daemon.pid" 2> /dev/null) || continue
        kill "$pid" || true
        for _ in $(seq 100); do
            if kill -0 "$pid" 2> /dev/null; then sleep 0.1; fi
        done
        kill -9 "$pid" 2> /dev/null || true
    done
    if [ "$(readlink $settings)" = "$folder/slurm.conf" ]; then rm $settings; fi
}

"$1"
