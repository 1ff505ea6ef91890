#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "test_files.h"

// Runs the program `fovea` as a user would, without a shell.
namespace fovea {

using Arguments = std::vector<std::string>;

// A process of the program; its end must be waited for.
class Program {
 public:
  // stdout and stderr go to these descriptors.
  Program(const std::filesystem::path& folder, const Arguments& arguments, int out, int err) {
    std::vector<char*> argv = {const_cast<char*>("fovea")};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    signal(SIGPIPE, SIG_DFL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (chdir(folder.c_str()) == 0) execv(FOVEA_PROGRAM, argv.data());
    _exit(126);
  }

  void interrupt() const { kill(pid_, SIGINT); }
  void end_at_once() const { kill(pid_, SIGKILL); }

  // Exit code, or 1000 + the signal that ended it.
  int wait() const {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = -1;
};

struct ProgramResult {
  int code = -1;
  std::string out, err;
};

inline FileDescriptor open_output(const std::filesystem::path& path) {
  return FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

// Runs the program in `folder` to its end.
inline ProgramResult run_program(const std::filesystem::path& folder, const Arguments& arguments) {
  const TempFolder outputs;
  const FileDescriptor out = open_output(outputs / "out");
  const FileDescriptor err = open_output(outputs / "err");
  ProgramResult result;
  result.code = Program(folder, arguments, out.get(), err.get()).wait();
  result.out = read_text(outputs / "out");
  result.err = read_text(outputs / "err");
  return result;
}

}  // namespace fovea
