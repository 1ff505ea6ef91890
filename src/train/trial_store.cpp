#include "train/trial_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <utility>

#include "core/text.h"
#include "fovea/error.h"
#include "io/json.h"
#include "io/json_values.h"

namespace fovea {

namespace {

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS search(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials(id INTEGER NOT NULL, round INTEGER NOT NULL, epochs INTEGER NOT NULL,
  setting TEXT NOT NULL, state TEXT NOT NULL, score REAL NOT NULL, seconds REAL NOT NULL, note TEXT NOT NULL,
  PRIMARY KEY(id, round));
CREATE TABLE IF NOT EXISTS epochs(trial INTEGER NOT NULL, fold INTEGER NOT NULL, epoch INTEGER NOT NULL, lr REAL,
  train_loss REAL, train_top1 REAL, val_loss REAL, val_top1 REAL, seconds REAL, PRIMARY KEY(trial, fold, epoch));
)";

constexpr std::array states = {std::pair{Trial::State::running, "running"},
                               std::pair{Trial::State::finished, "finished"},
                               std::pair{Trial::State::failed, "failed"}};

}  // namespace

void TrialStore::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

// A statement of SQL with its values.
class TrialStore::Statement {
 public:
  Statement(const TrialStore& store, const char* sql) : store_(store) {
    if (const int code = sqlite3_prepare_v2(store.database_.get(), sql, -1, &statement_, nullptr); code != SQLITE_OK) {
      store.fail(code);
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int64_t value) { return checked(sqlite3_bind_int64(statement_, ++bound_, value)); }
  Statement& bind(double value) { return checked(sqlite3_bind_double(statement_, ++bound_, value)); }
  Statement& bind(const std::string& value) {
    return checked(sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                                     SQLITE_TRANSIENT));  // NOLINT: SQLite's cast
  }
  Statement& bind_null() { return checked(sqlite3_bind_null(statement_, ++bound_)); }

  // False when there are no more rows.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) store_.fail(code);
    return code == SQLITE_ROW;
  }
  int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes));
  }

 private:
  Statement& checked(int code) {
    if (code != SQLITE_OK) store_.fail(code);
    return *this;
  }

  const TrialStore& store_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

TrialStore::TrialStore(const std::filesystem::path& path, std::vector<std::string> axes, const std::string& recipe)
    : source_(printable(path)), axes_(std::move(axes)) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open(path.c_str(), &database);
  database_.reset(database);
  if (code != SQLITE_OK) fail(code);
  // Exclusive from the first write on; every commit reaches the disk.
  execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE;");
  execute(schema);
  check_recipe(recipe);
  execute("COMMIT");
  read_trials();
}

TrialStore::~TrialStore() = default;

void TrialStore::fail(int code) const {
  const std::string why = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
      throw Error(ErrorKind::usage, fmt::format("{}: another search has it open", source_));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:
      throw Error(ErrorKind::format, fmt::format("{}: not the results of a search: {}", source_, why));
    default:
      throw Error(ErrorKind::data, fmt::format("{}: {}", source_, why));
  }
}

void TrialStore::execute(const char* sql) {
  if (const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

void TrialStore::check_recipe(const std::string& recipe) {
  Statement saved(*this, "SELECT value FROM search WHERE key = 'recipe'");
  if (!saved.step()) {
    Statement(*this, "INSERT INTO search VALUES('recipe', ?)").bind(recipe).step();
  } else if (saved.text(0) != recipe) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds the trials of another recipe: choose another folder with --out", source_));
  }
}

void TrialStore::read_trials() {
  Statement rows(*this, "SELECT id, round, epochs, setting, state, score, seconds, note FROM trials");
  while (rows.step()) {
    Trial trial{.id = rows.integer(0), .round = rows.integer(1), .epochs = rows.integer(2)};
    const nlohmann::json setting = parse_json(rows.text(3), source_);
    for (const std::string& axis : axes_) trial.setting.push_back(json_text(json_member(setting, axis.c_str())));
    for (const auto& [state, name] : states) {
      if (rows.text(4) == name) trial.state = state;
    }
    trial.score = rows.real(5);
    trial.seconds = rows.real(6);
    trial.note = rows.text(7);
    trials_.insert_or_assign({trial.id, trial.round}, trial);
  }
}

void TrialStore::save(const Trial& trial) {
  nlohmann::ordered_json setting = nlohmann::ordered_json::object();
  for (size_t i = 0; i < axes_.size(); ++i) setting[axes_[i]] = trial.setting[i];
  const auto* state = states.begin();
  while (state->first != trial.state) ++state;
  Statement(*this, "INSERT OR REPLACE INTO trials VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(trial.id)
      .bind(trial.round)
      .bind(trial.epochs)
      .bind(setting.dump())
      .bind(std::string(state->second))
      .bind(trial.score)
      .bind(trial.seconds)
      .bind(trial.note)
      .step();
  trials_.insert_or_assign({trial.id, trial.round}, trial);
}

void TrialStore::save_epochs(int64_t trial, int64_t fold, const History& history) {
  execute("BEGIN");
  Statement(*this, "DELETE FROM epochs WHERE trial = ? AND fold = ?").bind(trial).bind(fold).step();
  for (const EpochRecord& record : history.epochs) {
    Statement row(*this, "INSERT INTO epochs VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    row.bind(trial).bind(fold).bind(record.epoch).bind(record.learning_rate);
    row.bind(record.train_loss).bind(record.train_top1);
    if (record.validation) {
      row.bind(record.validation->loss).bind(record.validation->top1);
    } else {
      row.bind_null().bind_null();
    }
    row.bind(record.seconds).step();
  }
  execute("COMMIT");
}

}  // namespace fovea
