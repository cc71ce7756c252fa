/*
 * Runs a command and collects every process that its descendants leave behind, at once, as the init
 * of a real host does. In a container whose first process collects only now and then, a guest that
 * ended stays a zombie for seconds, and libvirt waits for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 125;
  pid_t parent = getpid(), command = fork();
  if (command == 0) {
    /* Dies with this process, whatever that dies of. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(125);
    execv(words[1], words + 1);
    perror(words[1]);
    _exit(127);
  }
  /* An interrupt reaches the command, too, which cleans up; this waits for it. */
  signal(SIGINT, SIG_IGN);
  for (;;) {
    int status;
    pid_t ended = wait(&status);
    if (ended == command) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return 126;
  }
}
