#include "trial_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

std::string last_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return printable(last);
}

// In the child: becomes the program, or ends.
[[noreturn]] void become(const std::vector<char*>& argv, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(126);  // it went before the line above
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv("/proc/self/exe", argv.data());
  _exit(126);
}

}  // namespace

ProcessResult run_self(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  const FileDescriptor file(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file.is_open()) {
    throw Error(ErrorKind::data,
                fmt::format("cannot write {}: {}", printable(log), std::generic_category().message(errno)));
  }
  std::string name = "fovea";
  std::vector<char*> argv = {name.data()};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(argv, file.get(), parent);
  int status = 0;
  pid_t ended = child;
  do {
    if (child > 0) ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR && child > 0);
  if (ended < 0) {
    throw Error(ErrorKind::failure, fmt::format("cannot run a trial: {}", std::generic_category().message(errno)));
  }
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), last_line(log)};
}

}  // namespace fovea::cli
