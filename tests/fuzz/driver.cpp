// Runs a target on a corpus and on mutations of it, for compilers without libFuzzer:
//   fuzz_picture CORPUS [--runs=1000] [--seed=1] [--save=FILE]
// The corpus comes first, unchanged. Before each run the input is put into FILE, which therefore
// holds the culprit after a crash; a run of more than thirty seconds of processor time counts as
// one (threads that wait on a busy machine take some of it). Ends with 1 where memory grew by more
// than 64 MiB between the middle and the end (not told under the address sanitizer).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using Input = std::vector<std::byte>;

constexpr std::size_t kLargest = std::size_t{1} << 20;
constexpr time_t kPatienceSeconds = 30;

class Mutator {
 public:
  Mutator(const std::vector<Input>& corpus, std::uint64_t seed) : corpus_(corpus), rng_(seed) {}

  /// One of the corpus, changed one to eight times.
  Input next() {
    Input input = any();
    for (std::int64_t i = rng_.integer(1, 8); i > 0; --i) change(input);
    if (input.size() > kLargest) input.resize(kLargest);
    return input;
  }

 private:
  const Input& any() { return corpus_[below(corpus_.size())]; }
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(rng_.integer(0, static_cast<std::int64_t>(count) - 1));
  }
  auto at(Input& input, std::size_t place) {
    return input.begin() + static_cast<std::ptrdiff_t>(place);
  }

  void change(Input& input) {
    if (input.empty()) input.push_back(std::byte{0});
    const std::size_t place = below(input.size());
    const std::size_t length = 1 + below(std::min<std::size_t>(64, input.size() - place));
    switch (rng_.integer(0, 6)) {
      case 0:
        input[place] ^= std::byte{1} << rng_.integer(0, 7);
        break;
      case 1:
        input[place] = static_cast<std::byte>(rng_.integer(0, 255));
        break;
      case 2:  // cut off
        input.resize(place);
        break;
      case 3:  // cut out
        input.erase(at(input, place), at(input, place + length));
        break;
      case 4: {  // doubled
        const Input part(at(input, place), at(input, place + length));
        input.insert(at(input, place), part.begin(), part.end());
        break;
      }
      case 5: {  // the beginning of one, the end of another
        const Input& other = any();
        if (other.empty()) break;
        input.resize(place);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size())),
                     other.end());
        break;
      }
      default: {  // numbers at which lengths and offsets go wrong
        static constexpr std::uint32_t kEdges[] = {0,          1,          0x7f,       0x80,
                                                   0xff,       0xffff,     0x7fffffff, 0x80000000,
                                                   0xfffffffe, 0xffffffff, 0x10000,    0x01000000};
        const std::uint32_t edge = kEdges[below(std::size(kEdges))];
        const std::size_t width =
            std::min<std::size_t>(std::size_t{1} << rng_.integer(0, 2), input.size() - place);
        const bool big_endian = rng_.integer(0, 1) == 1;
        for (std::size_t i = 0; i < width; ++i)
          input[place + i] = static_cast<std::byte>(edge >> (8 * (big_endian ? width - 1 - i : i)));
      }
    }
  }

  const std::vector<Input>& corpus_;
  chiaro::Rng rng_;
};

/// The input of the current run, in a file that outlives a crash.
class Culprit {
 public:
  explicit Culprit(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0 || ::ftruncate(descriptor, kLargest + kHeader) != 0) std::abort();
    void* mapped =
        ::mmap(nullptr, kLargest + kHeader, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (mapped == MAP_FAILED) std::abort();
    bytes_ = static_cast<std::byte*>(mapped);
  }
  void put(const Input& input) {
    const std::uint64_t size = input.size();
    std::memcpy(bytes_, &size, kHeader);
    std::copy(input.begin(), input.end(), bytes_ + kHeader);
  }

 private:
  static constexpr std::size_t kHeader = 8;  // the size, little-endian; the input follows
  std::byte* bytes_ = nullptr;
};

void too_slow(int) {
  constexpr char kText[] = "a run took more than thirty seconds\n";
  (void)!::write(STDERR_FILENO, kText, sizeof(kText) - 1);
  std::abort();
}

/// SIGPROF after so many seconds of this process's processor time; 0: never.
void allow(time_t seconds) {
  const itimerval limit{{0, 0}, {seconds, 0}};
  ::setitimer(ITIMER_PROF, &limit, nullptr);
}

struct Arguments {
  fs::path corpus;
  fs::path save = "fuzz-culprit";
  std::uint64_t runs = 1000;
  std::uint64_t seed = 1;
};

Arguments read_arguments(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const std::string value = word.substr(std::min(word.size(), word.find('=') + 1));
    const auto number = [&](std::uint64_t& target) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), target);
      if (error == std::errc{} && end == value.data() + value.size()) return;
      std::fprintf(stderr, "no number: %s\n", word.c_str());
      std::exit(2);
    };
    if (word.starts_with("--runs=")) {
      number(arguments.runs);
    } else if (word.starts_with("--seed=")) {
      number(arguments.seed);
    } else if (word.starts_with("--save=")) {
      arguments.save = value;
    } else {
      arguments.corpus = word;
    }
  }
  return arguments;
}

std::vector<Input> read_corpus(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Input> corpus;
  for (const fs::path& file : files) corpus.push_back(chiaro::read_file(file, kLargest));
  return corpus;
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = read_arguments(count, words);
  const std::vector<Input> corpus = read_corpus(arguments.corpus);
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus in %s\n", arguments.corpus.c_str());
    return 2;
  }
  Mutator mutator(corpus, arguments.seed);
  Culprit culprit(arguments.save);
  std::signal(SIGPROF, too_slow);
  const auto run = [&](const Input& input) {
    culprit.put(input);
    allow(kPatienceSeconds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    allow(0);
  };
  for (const Input& input : corpus) run(input);
  std::int64_t middle = 0;
  for (std::uint64_t i = 0; i < arguments.runs; ++i) {
    if (i == arguments.runs / 2) middle = chiaro::resident_bytes();
    run(mutator.next());
  }
  const std::int64_t grown = chiaro::resident_bytes() - middle;
  std::printf("%zu inputs and %llu mutations; memory grew by %lld KiB in the second half\n",
              corpus.size(), static_cast<unsigned long long>(arguments.runs),
              static_cast<long long>(grown / 1024));
  fs::remove(arguments.save);
#ifdef __SANITIZE_ADDRESS__  // which keeps what was freed for a while
  return 0;
#else
  return grown > (std::int64_t{64} << 20) ? 1 : 0;
#endif
}
