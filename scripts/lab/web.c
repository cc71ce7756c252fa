/*
 * The web server of the small test guest: `web MS N` takes MS milliseconds of waiting for each
 * request, at most N at a time, and keeps the others in the order in which they came. So its
 * capacity is known, N * 1000 / MS requests a second, and costs next to no CPU. GET /health is
 * answered at once; the first time the serial line says so. GET /absent gets 404. Connections are kept.
 *
 * GET /clock tells the seconds since 1970, at once too: 200 while they are right, else 503. A guest that
 * was suspended goes on with the time at which it fell asleep, until somebody sets its clock; its
 * hardware clock has the host's time all along.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 80
#define BACKLOG 128
#define CONNECTIONS_MAX 256
#define TEXT_BYTES 4096

struct connection {
  int fd; /* -1: free */
  int length;
  char text[TEXT_BYTES];
  unsigned long turn; /* of the request that waits or is worked at; 0: none */
  double due;         /* when it is done; 0: not begun */
};

static struct connection connections[CONNECTIONS_MAX];
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

static const char absent[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void hang_up(struct connection *one) {
  close(one->fd);
  one->fd = -1;
  one->turn = one->length = 0;
  one->due = 0;
}

/* Says this to the first request of the text and keeps what came after it. */
static void say(struct connection *one, const char *words, size_t length) {
  char *end = strstr(one->text, "\r\n\r\n") + 4;
  char *word = strcasestr(one->text, "\r\nconnection: close");
  int is_last = word && word < end;
  one->turn = 0;
  one->due = 0;
  if (write(one->fd, words, length) < 0 || is_last) {
    hang_up(one);
    return;
  }
  one->length -= end - one->text;
  memmove(one->text, end, one->length + 1);
}

static void reply(struct connection *one) { say(one, answer, sizeof answer - 1); }

/* What the hardware clock says, s since 1970; 0 where there is none. */
static long hardware_time(void) {
  long seconds = 0;
  FILE *file = fopen("/sys/class/rtc/rtc0/since_epoch", "r");
  if (!file) return 0;
  if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  fclose(file);
  return seconds;
}

static void tell_time(struct connection *one) {
  char words[160];
  long right = hardware_time(), here = time(NULL);
  /* Both tell whole seconds: a clock that differs by one may be right. */
  int is_right = here >= right - 1 && here <= right + 1;
  int length = snprintf(words, sizeof words, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n%010ld\n",
                        is_right ? "200 OK" : "503 the clock is wrong", here);
  say(one, words, length);
}

static void take(struct connection *one) {
  static unsigned long turns;
  static int is_known_well;
  while (one->fd >= 0 && !one->turn && strstr(one->text, "\r\n\r\n")) {
    if (strncmp(one->text, "GET /clock", 10) == 0)
      tell_time(one);
    else if (strncmp(one->text, "GET /absent", 11) == 0)
      say(one, absent, sizeof absent - 1);
    else if (strncmp(one->text, "GET /health", 11) == 0) {
      if (!is_known_well) puts("well");
      is_known_well = 1;
      reply(one);
    } else
      one->turn = ++turns;
  }
}

static void hear(struct connection *one) {
  int count = read(one->fd, one->text + one->length, TEXT_BYTES - 1 - one->length);
  if (count <= 0) {
    hang_up(one);
    return;
  }
  one->length += count;
  one->text[one->length] = 0;
  take(one);
}

/* A guest that slept has connections of its former life: when none is free, an idle one goes. */
static void welcome(int listener) {
  int fd = accept(listener, NULL, NULL);
  struct connection *place = NULL;
  for (struct connection *one = connections; one < connections + CONNECTIONS_MAX; one++)
    if (one->fd < 0 || (!place && !one->turn)) place = one;
  if (fd < 0 || !place) {
    close(fd);
    return;
  }
  if (place->fd >= 0) hang_up(place);
  place->fd = fd;
  place->text[0] = 0;
}

/* Ends what is done and begins what came first; returns the ms until the next is done, or -1. */
static int work(double seconds, int at_once_max) {
  int busy = 0;
  double next = 0;
  for (struct connection *one = connections; one < connections + CONNECTIONS_MAX; one++) {
    if (one->fd >= 0 && one->due && one->due <= now()) {
      reply(one);
      take(one);
    }
    if (one->fd >= 0 && one->due) busy++;
  }
  while (busy < at_once_max) {
    struct connection *first = NULL;
    for (struct connection *one = connections; one < connections + CONNECTIONS_MAX; one++)
      if (one->fd >= 0 && one->turn && !one->due && (!first || one->turn < first->turn)) first = one;
    if (!first) break;
    first->due = now() + seconds;
    busy++;
  }
  for (struct connection *one = connections; one < connections + CONNECTIONS_MAX; one++)
    if (one->fd >= 0 && one->due && (!next || one->due < next)) next = one->due;
  double left = (next - now()) * 1000;
  return !next ? -1 : left > 0 ? (int)left + 1 : 0;
}

int main(int count, char **words) {
  int at_once_max = count > 2 ? atoi(words[2]) : 1;
  double seconds = (count > 1 ? atof(words[1]) : 0) / 1000;
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  static struct pollfd polled[CONNECTIONS_MAX + 1];
  /* A kernel loses ticks while it boots on a busy machine: every distribution does this, too. */
  struct timespec booted = {.tv_sec = hardware_time(), .tv_nsec = 500 * 1000 * 1000};
  if (booted.tv_sec > 0) clock_settime(CLOCK_REALTIME, &booted);
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0) {
    perror("web");
    return 1;
  }
  for (int i = 0; i < CONNECTIONS_MAX; i++) connections[i].fd = -1;
  for (;;) {
    int wait_ms = work(seconds, at_once_max);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
      /* One that works is not read from, but its end is heard of. */
      polled[i].fd = connections[i].fd;
      polled[i].events = connections[i].turn ? POLLRDHUP : POLLIN;
    }
    polled[CONNECTIONS_MAX].fd = listener;
    polled[CONNECTIONS_MAX].events = POLLIN;
    if (poll(polled, CONNECTIONS_MAX + 1, wait_ms) <= 0) continue;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
      if (!polled[i].revents) continue;
      if (connections[i].turn)
        hang_up(&connections[i]);
      else
        hear(&connections[i]);
    }
    if (polled[CONNECTIONS_MAX].revents) welcome(listener);
  }
}
