/*
 * The guest agent of the small test guest: as much of QEMU's guest agent protocol (JSON lines on a
 * virtio-serial port, qga/qapi-schema.json) as setting a clock takes: guest-sync,
 * guest-sync-delimited, guest-ping, guest-set-time. Reads what it knows of, not JSON at large.
 *
 * A read of the port returns 0 while nobody is connected at the host. QEMU's own agent then sleeps for
 * 100 ms at a time; this one waits for the signal that the kernel sends when anything changes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORT_NAME "org.qemu.guest_agent.0"
#define PORTS "/sys/class/virtio-ports"
#define SENTINEL 0xff
#define LINE_BYTES_MAX 1024
#define OPEN_TRIES_MAX 1000
#define WRITE_TRIES_MAX 1000
#define NS_PER_SECOND 1000000000LL

static int find_port(void) {
  DIR *ports = opendir(PORTS);
  struct dirent *entry;
  int port = -1;
  while (ports && port < 0 && (entry = readdir(ports))) {
    char path[512], name[64] = "";
    snprintf(path, sizeof path, PORTS "/%s/name", entry->d_name);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%63s", name) == 1 && strcmp(name, PORT_NAME) == 0) {
      snprintf(path, sizeof path, "/dev/%s", entry->d_name);
      port = open(path, O_RDWR | O_NONBLOCK);
    }
    fclose(file);
  }
  if (ports) closedir(ports);
  return port;
}

/* The host names its ports a while after their driver was loaded. */
static int open_port(void) {
  for (int tries = 0; tries < OPEN_TRIES_MAX; tries += 1) {
    struct timespec between = {.tv_nsec = 10 * 1000 * 1000};
    int port = find_port();
    if (port >= 0) return port;
    nanosleep(&between, NULL);
  }
  return -1;
}

/* The whole number that follows "key":, or -1. */
static long long number_of(const char *line, const char *key) {
  const char *found = strstr(line, key);
  if (!found || !(found = strchr(found, ':'))) return -1;
  return strtoll(found + 1, NULL, 10);
}

/* Data may come before the news that somebody is connected: until then the port takes nothing. */
static void say(int port, const char *text, int length) {
  for (int tries = 0; tries < WRITE_TRIES_MAX; tries += 1) {
    struct timespec between = {.tv_nsec = 1000 * 1000};
    if (write(port, text, length) >= 0) return;
    if (errno != EAGAIN) break;
    nanosleep(&between, NULL);
  }
  perror("guest-agent: write");
}

static void answer(int port, const char *line) {
  char text[160] = "";
  int length;
  if (strstr(line, "\"guest-sync")) {
    const char *start = strstr(line, "-delimited") ? "\xff" : "";
    length = snprintf(text, sizeof text, "%s{\"return\": %lld}\n", start, number_of(line, "\"id\""));
  } else if (strstr(line, "\"guest-ping\"")) {
    length = snprintf(text, sizeof text, "{\"return\": {}}\n");
  } else if (strstr(line, "\"guest-set-time\"")) {
    long long ns = number_of(line, "\"time\"");
    struct timespec time = {.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};
    int is_set = ns > 0 && clock_settime(CLOCK_REALTIME, &time) == 0;
    const char *failed = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"the clock cannot be set\"}}\n";
    length = snprintf(text, sizeof text, "%s", is_set ? "{\"return\": {}}\n" : failed);
  } else {
    length = snprintf(text, sizeof text,
                      "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"unknown command\"}}\n");
  }
  say(port, text, length);
}

int main(void) {
  static char line[LINE_BYTES_MAX + 1];
  unsigned char bytes[256];
  size_t length = 0;
  sigset_t changed;
  /* Blocked, so that a change between a look and the wait is not missed. */
  sigemptyset(&changed);
  sigaddset(&changed, SIGIO);
  sigprocmask(SIG_BLOCK, &changed, NULL);
  int port = open_port();
  if (port < 0) {
    fprintf(stderr, "guest-agent: no port named %s\n", PORT_NAME);
    return 1;
  }
  fcntl(port, F_SETOWN, getpid());
  fcntl(port, F_SETFL, O_NONBLOCK | O_ASYNC);
  for (;;) {
    ssize_t count = read(port, bytes, sizeof bytes);
    if (count <= 0) {
      struct timespec at_most = {.tv_sec = 1};
      sigtimedwait(&changed, NULL, &at_most);
      continue;
    }
    for (ssize_t at = 0; at < count; at += 1) {
      if (bytes[at] == SENTINEL) length = 0;
      else if (bytes[at] == '\n') {
        line[length] = 0;
        if (length > 0) answer(port, line);
        length = 0;
      } else if (length < LINE_BYTES_MAX) line[length++] = (char)bytes[at];
    }
  }
}
