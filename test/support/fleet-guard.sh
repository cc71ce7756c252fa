#!/bin/bash
# Removes all that a fleet of agents left on the machine, when the process that made it closes our
# stdin or dies in whatever way. Reads FLEET_FOLDER and FLEET_PREFIX (of namespaces, may be empty).
# Processes of a fleet are those whose command line names its folder, which has a random name.
cat >/dev/null
fleet_pids() {
  for line in /proc/[0-9]*/cmdline; do
    grep -qsF -f <(printf '%s\n' "$FLEET_FOLDER/") "$line" && basename "$(dirname "$line")"
  done
}
# The guests of a libvirtd do not name the folder; its own notes in it name them.
libvirt_pids() {
  cat "$FLEET_FOLDER"/*/run/libvirt/qemu/*.pid 2>/dev/null | while read -r pid; do
    grep -qs qemu "/proc/$pid/cmdline" && echo "$pid"
  done
}
for _ in 1 2 3 4 5; do
  pids="$(fleet_pids) $(libvirt_pids)"
  pids=${pids# }
  [ -n "${pids// /}" ] || break
  # Agents before guests: an agent that lives would start a guest anew or write into the folder.
  kill -9 $pids 2>/dev/null
  sleep 0.1
done
if [ -n "$FLEET_PREFIX" ]; then
  ip netns list | awk '{print $1}' | grep -- "^$FLEET_PREFIX-" | xargs -r -n 1 ip netns del
fi
grep -oE " $FLEET_FOLDER/[^ ]* " /proc/mounts | xargs -r -n 1 umount --lazy
rm -rf -- "$FLEET_FOLDER"
