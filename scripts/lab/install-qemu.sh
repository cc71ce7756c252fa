#!/usr/bin/env bash
# Installs QEMU >= 9 from Debian's backports unless it is there: `scripts/lab/install-qemu.sh`.
#
# Debian 12's own QEMU 7.2 corrupts guest memory when it migrates live without KVM; 10 from backports does not.
# The address of the archive comes from the machine's own settings, whatever mirror it uses.
# Changes on the machine: one file in /etc/apt/sources.list.d (if backports are not configured) and two packages.
set -euo pipefail

QEMU_MAJOR_MIN=9
PACKAGES=(qemu-system-x86 qemu-utils)

qemu_is_recent() {
  local major
  major=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
  [ "${major:-0}" -ge "$QEMU_MAJOR_MIN" ]
}

archive_of() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v release="$1" \
    '$1 == release && !found { print $2; found = 1 } END { exit !found }'
}

add_backports() {
  local archive
  if ! archive=$(archive_of bookworm); then
    echo "install-qemu: no bookworm archive is configured here: install QEMU >= $QEMU_MAJOR_MIN by hand" >&2
    return 1
  fi
  cat >/etc/apt/sources.list.d/evenkeel-backports.sources <<SOURCES
Types: deb
URIs: $archive
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
}

if qemu_is_recent; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "install-qemu: QEMU >= $QEMU_MAJOR_MIN is missing: install it as root on Debian, or by hand" >&2
  exit 1
fi
echo "install-qemu: installing ${PACKAGES[*]} from bookworm-backports"
if ! archive_of bookworm-backports >/dev/null; then add_backports; fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  -t bookworm-backports "${PACKAGES[@]}" >/dev/null
