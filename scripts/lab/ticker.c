/*
 * The work of a small test guest: counts on its serial line ten times a second, so that anybody who
 * reads the line sees whether the guest ever lost, repeated or restarted its memory.
 *
 * Kernel command line: dirty=MiB of memory filled with noise once, rate=pages of it written each
 * tick, load=milliseconds of CPU burnt each tick, log=1: each count is on the first disk, in the
 * next of its LOG_BLOCKS blocks from LOG_BEGIN_MIB on, before it is on the line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TICK_SECONDS 0.1
#define PAGE_BYTES 4096
#define PAGES_PER_MIB 256
#define LOG_BEGIN_MIB 64
#define LOG_BLOCKS 1024

static char command_line[4096];

/* The number after " name=" on the kernel command line, or 0. */
static long option(const char *name) {
  char wanted[32];
  snprintf(wanted, sizeof wanted, " %s=", name);
  const char *found = strstr(command_line, wanted);
  return found ? atol(found + strlen(wanted)) : 0;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* Noise does not compress and is not a page of zeroes: a migration has to carry all of it. */
static unsigned char *filled(long mib) {
  unsigned char *memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    printf("no room for dirty=%ld MiB\n", mib);
    return NULL;
  }
  unsigned long noise = 88172645463325252UL, *words = (unsigned long *)memory;
  for (long i = 0; i < (mib << 20) / 8; i++) {
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    words[i] = noise;
  }
  printf("filled %ld MiB\n", mib);
  return memory;
}

/* Returns when the disk has it. */
static void write_count(int disk, unsigned long tick) {
  static char block[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
  snprintf(block, sizeof block, "tick %lu\n", tick);
  off_t at = ((off_t)LOG_BEGIN_MIB << 20) + (off_t)(tick % LOG_BLOCKS) * PAGE_BYTES;
  if (pwrite(disk, block, sizeof block, at) != sizeof block) printf("disk failed at %lu\n", tick);
}

int main(void) {
  command_line[0] = ' ';
  int file = open("/proc/cmdline", O_RDONLY);
  if (file >= 0 && read(file, command_line + 1, sizeof command_line - 2) < 0) return 1;
  long mib = option("dirty"), rate = option("rate"), load = option("load");
  unsigned char *memory = mib > 0 ? filled(mib) : NULL;
  unsigned long page = 0;
  int disk = option("log") ? open("/dev/vda", O_WRONLY | O_DIRECT | O_SYNC) : -1;
  double next = now();
  for (unsigned long tick = 0;; tick++) {
    if (disk >= 0) write_count(disk, tick);
    printf("tick %lu\n", tick);
    fflush(stdout);
    for (long i = 0; memory && i < rate; i++) {
      page = (page + 1) % (mib * PAGES_PER_MIB);
      *(unsigned long *)(memory + page * PAGE_BYTES) = tick;
    }
    double busy_until = now() + load / 1000.0;
    while (load && now() < busy_until) {
    }
    next += TICK_SECONDS;
    double left = next - now();
    if (left > 0)
      usleep(left * 1e6);
    else
      next = now();
  }
}
