#include "chiaro/restore/batch.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/restore/bounded_queue.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::batch_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Twenty "pictures" that are files of text, and steps that count what happens to them.
class RunBatch : public testing::Test {
 protected:
  static constexpr int kItems = 20;

  void SetUp() override {
    for (int i = 0; i < kItems; ++i) {
      const std::string name = std::to_string(100 + i);
      write_file_atomically(folder_ / (name + ".in"), name);
      items_.push_back({folder_ / (name + ".in"), folder_ / (name + ".out")});
    }
    steps_.bytes = [](const fs::path&) { return 10; };
    steps_.read = [this](const fs::path& input) {
      const int now = ++alive_;
      if (now > most_alive_) most_alive_ = now;
      return image::Image(1, 2, 2, std::stof(read_text(input)));
    };
    steps_.restore = [](const BatchItem&, image::Image picture, const ProgressCallback& progress) {
      CHIARO_CHECK(progress(0.5), Interrupted, "stopped");
      picture.at(0, 0, 0) += 1000;
      return picture;
    };
    steps_.encode = [this](const BatchItem&, const image::Image& picture) {
      --alive_;
      const auto text = std::to_string(static_cast<int>(picture.at(0, 0, 0)));
      const auto bytes = std::as_bytes(std::span(text));
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    observer_.failed = [this](const BatchItem& item, const Error& error) {
      failures_[item.input.stem()] = error.what();
    };
  }

  BatchSummary run(const BatchOptions& options = {}) {
    return run_batch(items_, steps_, options, observer_);
  }

  /// The numbers of the outputs, each of which must be whole.
  std::set<std::string> written() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".in") continue;
      EXPECT_EQ(entry.path().extension(), ".out");
      EXPECT_EQ(read_text(entry.path()), "1" + entry.path().stem().string());
      names.insert(entry.path().stem());
    }
    return names;
  }

  test::TemporaryFolder folder_;
  std::vector<BatchItem> items_;
  BatchSteps steps_;
  BatchObserver observer_;
  std::map<std::string, std::string> failures_;
  std::atomic<int> alive_ = 0;
  std::atomic<int> most_alive_ = 0;
};

TEST_F(RunBatch, EveryItemIsDoneOnce) {
  std::set<fs::path> told;
  observer_.done = [&](const BatchDone& one) {
    EXPECT_TRUE(told.insert(one.item.output).second);
    EXPECT_TRUE(fs::exists(one.item.output));
    EXPECT_EQ(one.bytes, 4);
  };
  for (const int threads : {1, 4}) {
    told.clear();
    const auto summary = run({.readers = threads, .writers = threads});
    EXPECT_EQ(summary.done, kItems);
    EXPECT_EQ(summary.failed + summary.not_done.size(), 0U);
    EXPECT_NEAR(summary.megapixels, kItems * 4e-6, 1e-12);
    EXPECT_EQ(summary.stopped, "");
    EXPECT_EQ(told.size(), kItems);
    EXPECT_EQ(written().size(), kItems);
  }
}

TEST_F(RunBatch, NothingIsFine) {
  EXPECT_EQ(run_batch({}, steps_).done, 0U);
}

TEST_F(RunBatch, AFailureConcernsItsPictureAlone) {
  steps_.read = [](const fs::path& input) {
    if (input.stem() == "103") throw std::bad_alloc();
    return image::Image(1, 2, 2, std::stof(read_text(input)));
  };
  steps_.restore = [](const BatchItem&, image::Image picture, const ProgressCallback&) {
    CHIARO_CHECK(picture.at(0, 0, 0) != 105, Resource, "too large");
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  const auto encode = steps_.encode;
  steps_.encode = [&](const BatchItem& item, const image::Image& picture) {
    if (item.output.stem() == "107") throw std::runtime_error("odd");
    return encode(item, picture);
  };
  items_[9].output = folder_ / "no/such/folder.out";
  fs::remove(items_[11].input);
  const auto summary = run();
  EXPECT_EQ(summary.done, kItems - 5U);
  EXPECT_EQ(summary.failed, 5U);
  EXPECT_EQ(failures_.size(), 5U);
  EXPECT_NE(failures_["103"].find("not enough memory"), std::string::npos);
  EXPECT_EQ(failures_["105"], "too large");
  EXPECT_NE(failures_["107"].find("internal error: odd"), std::string::npos);
  EXPECT_NE(failures_["109"].find("no/such"), std::string::npos);
  EXPECT_NE(failures_["111"].find("111.in"), std::string::npos);
  EXPECT_EQ(written().size(), kItems - 5U);
}

TEST_F(RunBatch, FilesThatChangeWhileTheyAreReadHaveFailed) {
  const auto read = steps_.read;
  steps_.read = [&](const fs::path& input) {
    auto picture = read(input);
    if (input.stem() == "101") write_file_atomically(input, std::string_view("101"));
    if (input.stem() == "102") fs::remove(input);
    return picture;
  };
  EXPECT_EQ(run().failed, 2U);
  EXPECT_NE(failures_["101"].find("changed or went away"), std::string::npos);
  EXPECT_NE(failures_["102"].find("changed or went away"), std::string::npos);
  EXPECT_FALSE(fs::exists(items_[1].output));
}

TEST_F(RunBatch, FailFastStopsAtOnce) {
  steps_.restore = [](const BatchItem&, image::Image picture,
                      const ProgressCallback&) -> image::Image {
    CHIARO_CHECK(picture.at(0, 0, 0) != 103, Input, "bad");
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  const auto summary = run({.readers = 1, .fail_fast = true});
  EXPECT_EQ(summary.done, 3U);  // those before it, in order
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(summary.not_done.size(), kItems - 4U);
  EXPECT_EQ(summary.stop_code, ErrorCode::SomeFailed);
  EXPECT_EQ(written(), (std::set<std::string>{"100", "101", "102"}));
}

TEST_F(RunBatch, AnInterruptDropsThePictureAndKeepsTheOthers) {
  int restored = 0;
  const auto restore = steps_.restore;
  steps_.restore = [&](const BatchItem& item, image::Image picture,
                       const ProgressCallback& progress) {
    auto result = restore(item, std::move(picture), progress);
    ++restored;
    return result;
  };
  observer_.keep_going = [&](double share) { return restored < 4 || share == 0; };
  const auto summary = run({.readers = 1});
  EXPECT_EQ(summary.done, 4U);
  EXPECT_EQ(summary.failed, 0U);
  EXPECT_EQ(summary.not_done.size(), kItems - 4U);
  EXPECT_EQ(summary.not_done.front()->input, items_[4].input);
  EXPECT_EQ(summary.stop_code, ErrorCode::Interrupted);
  EXPECT_EQ(written().size(), 4U);
}

TEST_F(RunBatch, AnInterruptIsNoticedWhileReadingIsSlow) {
  std::atomic<bool> stop = false;
  steps_.read = [&](const fs::path&) {
    stop = true;
    std::this_thread::sleep_for(50ms);
    return image::Image(1, 2, 2);
  };
  observer_.keep_going = [&](double) { return !stop; };
  EXPECT_EQ(run({.readers = 1}).done, 0U);
}

TEST_F(RunBatch, MemoryStaysWithinTheBudget) {
  steps_.restore = [](const BatchItem&, image::Image picture, const ProgressCallback&) {
    std::this_thread::sleep_for(2ms);
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  run({.readers = 4, .writers = 4, .in_flight_bytes = 35});  // three of ten bytes
  EXPECT_EQ(most_alive_, 3);
  most_alive_ = 0;
  EXPECT_EQ(run({.readers = 4, .in_flight_bytes = 5}).done, kItems);  // larger ones go alone
  EXPECT_EQ(most_alive_, 1);
  most_alive_ = 0;
  run({.readers = 4, .writers = 1, .in_flight_bytes = 1 << 20});
  EXPECT_LE(most_alive_, 4 + 6 + 1 + 3 + 1);  // readers, queue, network, queue, writer
}

TEST_F(RunBatch, ReadingAndWritingHideBehindTheNetwork) {
  const auto read = steps_.read;
  const auto encode = steps_.encode;
  steps_.read = [&](const fs::path& input) {
    std::this_thread::sleep_for(10ms);
    return read(input);
  };
  steps_.restore = [](const BatchItem&, image::Image picture, const ProgressCallback&) {
    std::this_thread::sleep_for(20ms);
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  steps_.encode = [&](const BatchItem& item, const image::Image& picture) {
    std::this_thread::sleep_for(10ms);
    return encode(item, picture);
  };
  // One after the other the network would wait for 0.4 s of these sleeps alone; several writers,
  // since each file is also made safe on the disk.
  const auto summary = run({.readers = 1, .writers = 4});
  EXPECT_EQ(summary.done, kItems);
  EXPECT_LT(summary.waited_seconds, 0.3);
}

TEST_F(RunBatch, SeveralRestoreAtOnceEachAPictureOfItsOwn) {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  std::atomic<int> by_itself = 0;
  std::atomic<int> most_by_itself = 0;
  const auto counted = [](std::atomic<int>& count, std::atomic<int>& highest) {
    const int reached = ++count;
    for (int seen = highest; reached > seen && !highest.compare_exchange_weak(seen, reached);) {
    }
    std::this_thread::sleep_for(10ms);
    --count;
  };
  steps_.restore = [&](const BatchItem&, image::Image picture, const ProgressCallback&) {
    counted(now, most);
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  EXPECT_EQ(run({.restorers = 3}).done, static_cast<std::size_t>(kItems));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(written().size(), static_cast<std::size_t>(kItems));
  most = 0;
  EXPECT_EQ(run().done, static_cast<std::size_t>(kItems));
  EXPECT_EQ(most, 1);
  // Pictures that take all the memory there is come one at a time.
  steps_.by_itself = [](const BatchItem&) { return true; };
  steps_.file_to_file = [&](const BatchItem& item, const ProgressCallback&,
                            const std::function<void()>&) -> WrittenByItself {
    counted(by_itself, most_by_itself);
    write_file_atomically(item.output, "1" + item.output.stem().string());
    return {};
  };
  EXPECT_EQ(run({.restorers = 3}).done, static_cast<std::size_t>(kItems));
  EXPECT_EQ(most_by_itself, 1);
}

TEST_F(RunBatch, AnInterruptStopsAllThatRestore) {
  std::atomic<int> restored = 0;
  steps_.restore = [&](const BatchItem&, image::Image picture, const ProgressCallback& progress) {
    CHIARO_CHECK(progress(0.5), Interrupted, "stopped");
    ++restored;
    picture.at(0, 0, 0) += 1000;
    return picture;
  };
  observer_.keep_going = [&](double) { return restored < 4; };
  const auto summary = run({.restorers = 2});
  EXPECT_GE(summary.done, 4U);
  EXPECT_LE(summary.done, 5U);  // one more may have been past its last look
  EXPECT_EQ(summary.failed, 0U);
  EXPECT_EQ(summary.done + summary.not_done.size(), static_cast<std::size_t>(kItems));
  EXPECT_EQ(summary.stop_code, ErrorCode::Interrupted);
  EXPECT_EQ(written().size(), summary.done);
}

TEST_F(RunBatch, WhatAnObserverThrowsEndsTheBatchAndComesOut) {
  const auto fault = [](const auto&...) -> bool { throw std::runtime_error("no terminal"); };
  for (const int restorers : {1, 3}) {
    for (const bool in_done : {false, true}) {
      observer_.keep_going = in_done ? decltype(observer_.keep_going)() : fault;
      observer_.done = in_done ? decltype(observer_.done)(fault) : nullptr;
      EXPECT_THROW(run({.restorers = restorers}), std::runtime_error);
    }
  }
}

TEST_F(RunBatch, OutputsThatHaveAppearedMeanwhileAreKept) {
  write_file_atomically(items_[3].output, "mine");
  const auto summary = run({.existing = Existing::Kept});
  EXPECT_EQ(summary.done, static_cast<std::size_t>(kItems - 1));
  EXPECT_NE(failures_.at("103").find("is not replaced"), std::string::npos);
  EXPECT_EQ(read_text(items_[3].output), "mine");
}

TEST_F(RunBatch, AFailingWriteLeavesNothingBehind) {
  // A limit on the size of files stands for a write that fails
  // while the disk still has room: the batch goes on.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{3, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto summary = run();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(summary.failed, kItems);
  EXPECT_EQ(summary.stopped, "");
  EXPECT_TRUE(written().empty());
}

TEST_F(RunBatch, AFullDiskStopsWhereverItIsMet) {
  // A device on which no write finds room stands for a full disk.
  items_[4].output = "/dev/full";
  for (const bool in_strips : {false, true}) {
    steps_.by_itself = [&](const BatchItem&) { return in_strips; };
    steps_.file_to_file = [](const BatchItem& item, const ProgressCallback&,
                             const std::function<void()>&) -> WrittenByItself {
      write_file_atomically(item.output, "1" + item.input.stem().string());
      return {};
    };
    failures_.clear();
    const BatchSummary summary = run({.readers = 1, .writers = 1});
    EXPECT_EQ(summary.stopped, "the disk is full");
    EXPECT_EQ(summary.stop_code, ErrorCode::Output);
    EXPECT_EQ(summary.failed, 1U);
    EXPECT_NE(failures_["104"].find("No space left"), std::string::npos) << failures_["104"];
    EXPECT_GE(summary.done, 4U);
    EXPECT_EQ(summary.done + 1 + summary.not_done.size(), static_cast<std::size_t>(kItems));
  }
}

TEST_F(RunBatch, WhatOnlySoundsLikeAFullDiskStopsNothing) {
  steps_.by_itself = [](const BatchItem& item) {
    return item.input.stem() == "105" || item.input.stem() == "107";
  };
  steps_.file_to_file = [](const BatchItem& item, const ProgressCallback&,
                           const std::function<void()>&) -> WrittenByItself {
    if (item.input.stem() == "107") fail(ErrorCode::Output, "'the disk is full.tif' exists");
    write_file_atomically(item.input.parent_path() / "No space left/a.tif", "nowhere");
    return {};
  };
  const BatchSummary summary = run();
  EXPECT_EQ(summary.stopped, "");
  EXPECT_EQ(summary.failed, 2U);
  EXPECT_EQ(summary.done, static_cast<std::size_t>(kItems - 2));
  EXPECT_NE(failures_["105"].find("No such file"), std::string::npos) << failures_["105"];
}

TEST(ByteBudget, ServesInOrder) {
  ByteBudget budget(10);
  ASSERT_TRUE(budget.take(8));
  std::vector<int> order;
  std::mutex mutex;
  const auto ask = [&](int who, std::int64_t bytes) {
    ASSERT_TRUE(budget.take(bytes));
    const std::lock_guard lock(mutex);
    order.push_back(who);
  };
  std::jthread large([&] { ask(1, 20); });
  std::this_thread::sleep_for(50ms);
  std::jthread little([&] { ask(2, 1); });  // would fit, but came later
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(order.empty());
  budget.give(8);
  large.join();
  budget.give(20);
  little.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  budget.close();
  EXPECT_FALSE(budget.take(100));
}

TEST_F(RunBatch, WhatIsTooLargeGoesFromFileToFile) {
  steps_.by_itself = [](const BatchItem& item) { return item.input.stem() == "105"; };
  steps_.file_to_file = [](const BatchItem& item, const ProgressCallback& progress,
                           const std::function<void()>& unchanged) -> WrittenByItself {
    CHIARO_CHECK(progress(0.5), Interrupted, "stopped");
    unchanged();
    write_file_atomically(item.output, "in strips");
    return {.width = 3000, .height = 2000, .bytes = 9, .pages = 2, .pixels = 7'000'000};
  };
  int in_strips = 0;
  observer_.done = [&](const BatchDone& done) {
    EXPECT_EQ(done.picture.empty(), done.item.input.stem() == "105");
    if (!done.picture.empty()) return;
    ++in_strips;
    EXPECT_EQ(done.width, 3000);
    EXPECT_EQ(done.height, 2000);
    EXPECT_EQ(done.bytes, 9);
    EXPECT_EQ(done.pages, 2);
    EXPECT_TRUE(done.in_strips);
  };
  const BatchSummary summary = run();
  EXPECT_EQ(summary.done, static_cast<std::size_t>(kItems));
  EXPECT_EQ(in_strips, 1);
  EXPECT_EQ(read_text(folder_ / "105.out"), "in strips");
  EXPECT_NEAR(summary.megapixels, 7, 0.001);
}

TEST_F(RunBatch, AFailureInStripsConcernsItsPictureAlone) {
  steps_.by_itself = [](const BatchItem& item) {
    return item.input.stem() == "105" || item.input.stem() == "107";
  };
  steps_.file_to_file = [](const BatchItem& item, const ProgressCallback&,
                           const std::function<void()>& unchanged) -> WrittenByItself {
    if (item.input.stem() == "107") fail(ErrorCode::Resource, "too large even in strips");
    write_file_atomically(item.input, "other and longer");
    unchanged();
    return {};
  };
  const BatchSummary summary = run();
  EXPECT_EQ(summary.failed, 2U);
  EXPECT_EQ(summary.done, static_cast<std::size_t>(kItems - 2));
  EXPECT_NE(failures_["105"].find("changed"), std::string::npos) << failures_["105"];
  EXPECT_EQ(failures_["107"], "too large even in strips");
}

}  // namespace
}  // namespace chiaro::restore::batch_test
