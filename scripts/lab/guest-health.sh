#!/bin/sh
# The health check of the small test guest: well once its clock is right; answers the seconds since 1970.
# A guest that was suspended goes on with the time at which it fell asleep; its hardware clock has the host's.
read -r RIGHT </sys/class/rtc/rtc0/since_epoch
NOW=$(busybox date +%s)
# The hardware clock tells whole seconds: a clock that differs by one is left alone.
if [ $((RIGHT - NOW)) -gt 1 ] || [ $((NOW - RIGHT)) -gt 1 ]; then
  busybox date -s "@$RIGHT" >/dev/null
  NOW=$(busybox date +%s)
fi
printf 'Content-Type: text/plain\r\n\r\n%s\n' "$NOW"
