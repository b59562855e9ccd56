#include "chiaro/restore/folder_codes.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "chiaro/image/codec.h"
#include "chiaro/restore/bounded_queue.h"

namespace chiaro::restore {
namespace {

namespace fs = std::filesystem;

/// A message about `file` that stays right where its folder is moved.
std::string with_name(std::string message, const std::string& file, const std::string& name) {
  for (std::size_t at = message.find(file); at != std::string::npos;
       at = message.find(file, at + name.size()))
    message.replace(at, file.size(), name);
  return message;
}

class Coding {
 public:
  Coding(CodeIndex& index, const fs::path& folder, std::span<const FolderPicture> pictures,
         const CodingSteps& steps, const CodingOptions& options, const CodingObserver& observer)
      : index_(index),
        folder_(folder),
        pictures_(pictures),
        steps_(steps),
        observer_(observer),
        budget_(options.in_flight_bytes),
        looked_(kAhead + static_cast<std::size_t>(options.readers)),
        reading_(options.readers) {
    for (int i = 0; i < options.readers; ++i) threads_.emplace_back([this] { look_at_all(); });
  }
  ~Coding() { stop(); }
  Coding(const Coding&) = delete;
  Coding& operator=(const Coding&) = delete;

  bool run() {
    for (;;) {
      const auto looked = looked_.pop(std::chrono::milliseconds(100));
      if (looked) settle(*looked);
      if (observer_.keep_going && !observer_.keep_going()) return false;
      if (!looked && looked_.finished()) return true;
    }
  }

 private:
  static constexpr std::size_t kAhead = 2;

  struct Looked {
    std::size_t index = 0;
    FileState state = {};
    CodeViews views = {};
    std::exception_ptr failure = {};
  };

  fs::path path_of(std::size_t index) const { return folder_ / pictures_[index].name; }

  void look_at_all() {
    for (std::size_t i = next_++; i < pictures_.size() && !stopped_; i = next_++)
      (void)looked_.push(look_at(i));
    if (--reading_ == 0) looked_.close();
  }

  Looked look_at(std::size_t index) {
    const fs::path file = path_of(index);
    Looked looked{.index = index, .state = file_state(file)};
    std::int64_t reserved = 0;
    try {
      reserved = steps_.bytes(file);
      if (!budget_.take(reserved)) return looked;  // stopped: nobody waits for it
      looked.views = steps_.look(file);
      expect_unchanged(file, looked.state);
    } catch (...) {
      looked.failure = std::current_exception();
    }
    budget_.give(reserved);
    return looked;
  }

  void settle(const Looked& looked) {
    const FolderPicture picture{pictures_[looked.index].name, stamp_of(looked.state)};
    try {
      if (looked.failure) std::rethrow_exception(looked.failure);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Input) throw;
      const fs::path file = path_of(looked.index);
      if (::access(file.c_str(), R_OK) == 0 && file_state(file) == looked.state)
        index_.add_fault(picture, with_name(error.what(), file.string(), picture.name));
      if (observer_.failed) observer_.failed(picture, error);
      return;
    }
    index_.add(picture, steps_.encode(looked.views));
    if (observer_.done) observer_.done();
  }

  void stop() {
    stopped_ = true;
    budget_.close();
    looked_.close();
  }

  CodeIndex& index_;
  const fs::path& folder_;
  std::span<const FolderPicture> pictures_;
  const CodingSteps& steps_;
  const CodingObserver& observer_;
  ByteBudget budget_;
  BoundedQueue<Looked> looked_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<int> reading_;
  std::atomic<bool> stopped_ = false;
  std::vector<std::jthread> threads_;  // last: joined before what they use goes
};

}  // namespace

std::vector<FolderPicture> list_folder(const fs::path& folder) {
  std::vector<FolderPicture> pictures;
  for (const fs::path& file : image::list_pictures(folder, /*recursive=*/true))
    pictures.push_back({file.lexically_relative(folder).string(), stamp_of(file_state(file))});
  return pictures;
}

bool code_pictures(CodeIndex& index, const fs::path& folder,
                   std::span<const FolderPicture> pictures, const CodingSteps& steps,
                   const CodingOptions& options, const CodingObserver& observer) {
  return pictures.empty() || Coding(index, folder, pictures, steps, options, observer).run();
}

}  // namespace chiaro::restore
