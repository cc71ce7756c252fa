#!/bin/sh
# The health check of the small test guest: well once its clock is right; answers the seconds since 1970.
# A guest that was suspended goes on with the time at which it fell asleep; its hardware clock has the host's.
# Only what the shell has built in, but for setting: each program costs tens of milliseconds without KVM.
read -r RIGHT </sys/class/rtc/rtc0/since_epoch
# The hardware clock tells whole seconds: a clock that differs by one is left alone.
BEHIND=$((RIGHT - EPOCHSECONDS))
case $BEHIND in -1 | 0 | 1) ;; *) /bin/busybox date -s "@$RIGHT" >/dev/null ;; esac
printf 'Content-Type: text/plain\r\n\r\n%s\n' "$EPOCHSECONDS"
