#!/bin/sh
# First process of the small test guest: its serial line, its network where asked for, its work.
/bin/mount -t proc proc /proc
/bin/mount -t sysfs sys /sys
/bin/mount -t devtmpfs dev /dev 2>/dev/null
read -r COMMAND_LINE </proc/cmdline
exec </dev/ttyS0 >/dev/ttyS0 2>&1
read -r UPTIME _ </proc/uptime
echo "guest up after $UPTIME s"

load_modules() {
  for module in "$@"; do insmod "/lib/$module.ko" 2>/dev/null; done
}

# Debian's kernel has virtio as modules; each needs those before it.
BUS="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_mmio"
case " $COMMAND_LINE " in *" disk=1 "*)
  load_modules $BUS virtio_blk
  echo "disk $(ls /sys/block 2>/dev/null | grep -c '^vd')"
  ;;
esac
case " $COMMAND_LINE " in *" acpi=1 "*)
  load_modules button evdev
  mkdir -p /etc/acpi/PWRF
  printf '#!/bin/sh\necho powers off >/dev/ttyS0\npoweroff -f\n' >/etc/acpi/PWRF/00000080
  chmod 755 /etc/acpi/PWRF/00000080
  acpid -l /dev/null
  ;;
esac
# Before the network: whoever finds the guest well finds its agent, too.
case " $COMMAND_LINE " in *" agent=1 "*)
  load_modules $BUS virtio_console
  /guest-agent &
  ;;
esac
case " $COMMAND_LINE " in *" net=1 "*)
  load_modules $BUS failover net_failover virtio_net
  for word in $COMMAND_LINE; do
    case $word in gip=*) ip addr add "${word#gip=}/24" dev eth0 ;; esac
  done
  ip link set lo up
  ip link set eth0 up
  case " $COMMAND_LINE " in
  *" web="*)
    WORDS=${COMMAND_LINE##* web=}
    WORDS=${WORDS%% *}
    # web=MS,N: a server of known capacity in place of files.
    /web "${WORDS%,*}" "${WORDS#*,}" &
    ;;
  *)
    echo hello >/www/index.html
    httpd -p 80 -h /www
    ;;
  esac
  echo "network up"
  ;;
esac
exec /ticker
