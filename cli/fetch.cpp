#include "fetch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "command_line.h"
#include "core/suggest.h"
#include "core/text.h"
#include "download.h"
#include "fovea/data.h"
#include "fovea/error.h"
#include "interrupt.h"
#include "options.h"
#include "unpack.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

struct RemoteFile {
  std::string name;
  std::string checksum;
};

struct Source {
  std::string name;
  std::string folder;                // below the data folder
  std::vector<std::string> mirrors;  // where the files lie, ending in '/'
  std::vector<RemoteFile> files;
  bool archives = false;  // to be unpacked, each with one folder at its top
};

const std::vector<Source>& sources() {
  static const std::vector<Source> table = {
      {"mnist",
       "mnist",
       {"https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"},
       {{"train-images-idx3-ubyte.gz", "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873"},
        {"train-labels-idx1-ubyte.gz", "md5:d53e105ee54ea40749a09fcbcd1e9432"},
        {"t10k-images-idx3-ubyte.gz", "md5:9fb629c4189551a2d022fa330f9573f3"},
        {"t10k-labels-idx1-ubyte.gz", "md5:ec29112dd5afa0611ce80d1b7f02629c"}}},
      {"fashion-mnist",
       "fashion-mnist",
       {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"},
       {{"train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
        {"train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe"},
        {"t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79"},
        {"t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310"}}},
      {"cifar-10",
       "cifar-10-batches-bin",
       {"https://www.cs.toronto.edu/~kriz/"},
       {{"cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"}},
       true},
      {"cifar-100",
       "cifar-100-binary",
       {"https://www.cs.toronto.edu/~kriz/"},
       {{"cifar-100-binary.tar.gz", "md5:03b5dce01913d631647c71ecec9e9cb8"}},
       true},
      {"tiny-imagenet",
       "tiny-imagenet-200",
       {"http://cs231n.stanford.edu/"},
       {{"tiny-imagenet-200.zip", "md5:90528d7ca1a48142e341f4ef8d21d0de"}},
       true},
  };
  return table;
}

bool is_url(const std::string& name) { return name.find("://") != std::string::npos; }

// The folder of a file, and its name: "http://host/a/b.tar.gz" is {"http://host/a/", "b.tar.gz"}.
std::pair<std::string, std::string> split_url(const std::string& url) {
  const size_t slash = url.rfind('/');
  std::string name = url.substr(slash + 1);
  name.resize(std::min(name.size(), name.find_first_of("?#")));
  if (name.empty() || name == "." || name == "..") {
    throw Error(ErrorKind::usage, fmt::format("{} does not end in the name of a file", printable(url)));
  }
  return {url.substr(0, slash + 1), name};
}

Source find_source(const std::string& name, const FetchOptions& options) {
  if (is_url(name)) {
    require_option(options.checksum, "a file from elsewhere needs --checksum md5:... or sha256:...");
    auto [folder, file] = split_url(name);
    const std::string stem = file.substr(0, file.find('.'));
    return {name, stem, {folder}, {{file, options.checksum}}, true};
  }
  std::vector<std::string> names;
  for (const Source& source : sources()) {
    if (source.name == name) return source;
    names.push_back(source.name);
  }
  throw Error(ErrorKind::usage, fmt::format("there is no data set '{}' to fetch{}; known are {}, and any URL of an "
                                            "archive with its --checksum",
                                            printable(name), did_you_mean(name, names), fmt::join(names, ", ")));
}

fs::path data_folder(const std::string& data_dir) {
  if (!data_dir.empty()) return data_dir;
  const char* variable = std::getenv("FOVEA_DATA");
  return variable != nullptr && *variable != '\0' ? variable : "data";
}

// A line that is written over, ten times a second, where there is a terminal.
OnDownload display(const std::string& name) {
  using Clock = std::chrono::steady_clock;
  return [name, last = Clock::time_point()](uint64_t done, uint64_t total) mutable {
    if (isatty(STDERR_FILENO) == 0 || Clock::now() - last < std::chrono::milliseconds(100)) return;
    last = Clock::now();
    const double megabytes = static_cast<double>(done) / 1e6;
    const std::string of = total > 0 ? fmt::format(" of {:.1f}", static_cast<double>(total) / 1e6) : std::string();
    fmt::print(stderr, "\r{}  {:.1f}{} MB\033[K", name, megabytes, of);
    if (done == total) fmt::print(stderr, "\n");
  };
}

void fetch_file(const Source& source, const RemoteFile& file, const fs::path& folder, const std::string& mirror) {
  Download what{.urls = {}, .file = folder / file.name, .checksum = file.checksum};
  for (const std::string& place : mirror.empty() ? source.mirrors : std::vector<std::string>{mirror}) {
    what.urls.push_back(place + (place.ends_with('/') ? "" : "/") + file.name);
  }
  const std::atomic<bool>& stop = catch_interrupts();
  download(what, display(file.name), [&stop] { return stop.load(); });
}

// Unpacks beside its place, then moves the folder there.
void place_archive(const fs::path& archive, const fs::path& place) {
  const fs::path partial = fs::path(place) += ".unpacking";
  fs::remove_all(partial);
  fs::create_directories(partial);
  try {
    unpack(archive, partial);
  } catch (const Error&) {
    fs::remove_all(partial);
    fs::remove(archive);
    throw;
  }
  // Archives hold one folder; what lies loose moves as it is.
  fs::path top = partial;
  if (std::distance(fs::directory_iterator(partial), {}) == 1 && fs::is_directory(*fs::directory_iterator(partial))) {
    top = fs::directory_iterator(partial)->path();
  }
  fs::rename(top, place);
  fs::remove_all(partial);
  fs::remove(archive);
}

}  // namespace

void FetchOptions::add(CLI::App& command) {
  add_option(command, "--mirror", mirror, "fetch: the URL of a folder with the files, instead of the known ones")
      .type_name("URL");
  add_option(command, "--checksum", checksum, "fetch: of an archive by its URL, md5:... or sha256:...")
      .type_name("SUM");
}

void run_fetch(const std::string& name, const std::string& data_dir, const FetchOptions& options) {
  require_option(name, "name what to fetch: fovea data fetch cifar-10");
  const Source source = find_source(name, options);
  const fs::path root = data_folder(data_dir);
  const fs::path place = root / source.folder;
  try {
    if (source.archives && fs::exists(place)) {
      return fmt::print("{} is there already: {}\n", source.name, printable(place));
    }
    const fs::path folder = source.archives ? root : place;
    fs::create_directories(folder);
    for (const RemoteFile& file : source.files) fetch_file(source, file, folder, options.mirror);
    if (source.archives) place_archive(folder / source.files.front().name, place);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::data,
                fmt::format("cannot place {}: {}: {}", source.name, printable(error.path1()), error.code().message()));
  }
  fmt::print("{} is in {}\n", source.name, printable(place));
}

}  // namespace fovea::cli
