#include "download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

constexpr long connect_seconds = 20;
constexpr long stalled_seconds = 60;  // below one byte a second for so long ends the attempt

struct Transfer {
  int file = -1;
  uint64_t before = 0;  // bytes that an earlier attempt left
  const OnDownload* on_progress = nullptr;
  const std::function<bool()>* stop = nullptr;
  int write_error = 0;
};

size_t store(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  size_t done = 0;
  while (done < size * count) {
    const ssize_t written = write(transfer.file, data + done, size * count - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      transfer.write_error = errno;
      return 0;
    }
    done += static_cast<size_t>(written);
  }
  return done;
}

int report_progress(void* context, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(context);
  const uint64_t before = transfer.before;
  (*transfer.on_progress)(before + static_cast<uint64_t>(done), total > 0 ? before + static_cast<uint64_t>(total) : 0);
  return (*transfer.stop)() ? 1 : 0;
}

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

void set_options(CURL* curl, const std::string& url, Transfer& transfer, char* message) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,ftp");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_seconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stalled_seconds);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, store);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, report_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  if (transfer.before > 0) curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.before));
}

// Appends what is missing of `url` to the file; what went wrong, if anything did.
std::optional<std::string> fetch_rest(const std::string& url, const fs::path& partial, const OnDownload& on_progress,
                                      const std::function<bool()>& stop) {
  const FileDescriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file.is_open()) {
    throw Error(ErrorKind::data,
                fmt::format("cannot write {}: {}", printable(partial), std::generic_category().message(errno)));
  }
  Transfer transfer{.file = file.get(), .before = fs::file_size(partial), .on_progress = &on_progress, .stop = &stop};
  const Curl curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) throw Error(ErrorKind::failure, "libcurl cannot be started");
  std::array<char, CURL_ERROR_SIZE> message{};
  set_options(curl.get(), url, transfer, message.data());
  const CURLcode code = curl_easy_perform(curl.get());
  if (transfer.write_error != 0) {
    throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", printable(partial),
                                             std::generic_category().message(transfer.write_error)));
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw Error(ErrorKind::data,
                fmt::format("interrupted; {} keeps what there is, and the same command goes on", printable(partial)));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (transfer.before > 0 && status == 416) return std::nullopt;  // nothing is missing
  if (code == CURLE_OK) return std::nullopt;
  return message[0] != '\0' ? std::string(message.data()) : std::string(curl_easy_strerror(code));
}

const EVP_MD* algorithm_of(const std::string& checksum) {
  if (checksum.starts_with("md5:")) return EVP_md5();
  if (checksum.starts_with("sha256:")) return EVP_sha256();
  throw Error(ErrorKind::usage, fmt::format("a checksum is md5:... or sha256:..., got '{}'", printable(checksum)));
}

}  // namespace

std::string checksum_of(const fs::path& file, const std::string& like) {
  const EVP_MD* algorithm = algorithm_of(like);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::ifstream in(file, std::ios::binary);
  std::vector<char> block(1 << 20);
  bool good = context && in && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1;
  while (good && in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    good = EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(in.gcount())) == 1;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!good || in.bad() || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) {
    throw Error(ErrorKind::data, fmt::format("cannot read {} to check it", printable(file)));
  }
  std::string text = like.substr(0, like.find(':') + 1);
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

void download(const Download& what, const OnDownload& on_progress, const std::function<bool()>& stop) {
  algorithm_of(what.checksum);  // a slip in it comes before any request
  std::error_code error;
  if (fs::exists(what.file, error) && checksum_of(what.file, what.checksum) == what.checksum) return;
  const fs::path partial = fs::path(what.file) += ".download";
  std::string problems;
  for (const std::string& url : what.urls) {
    std::optional<std::string> problem = fetch_rest(url, partial, on_progress, stop);
    if (!problem) {
      const std::string found = checksum_of(partial, what.checksum);
      if (found == what.checksum) {
        fs::rename(partial, what.file);
        return;
      }
      fs::remove(partial);  // to go on from it would only repeat the damage
      problem = fmt::format("it came damaged: its checksum is {}, expected {}", found, what.checksum);
    }
    if (fs::file_size(partial, error) == 0) fs::remove(partial, error);
    problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ", url, *problem);
  }
  throw Error(ErrorKind::data,
              fmt::format("cannot fetch {}: {}", printable(what.file.filename()), printable(problems)));
}

}  // namespace fovea::cli
