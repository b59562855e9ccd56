#include "chiaro/metrics/torch_file.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"

namespace chiaro::metrics {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // heads of LPIPS take some 20 KiB
constexpr std::size_t kLongestName = 256;
constexpr std::size_t kMostNames = 4096;
constexpr int kDeepest = 32;  // sequences inside each other; a state dictionary has 6

/// Thrown for whatever is no such file; the caller names it.
struct NotUnderstood {};

/// What a pickle holds, as far as it matters.
struct Pickled {
  enum class Kind { Nothing, Number, Text, Sequence, Call, Storage };
  Kind kind = Kind::Nothing;
  std::int64_t number = 0;
  std::string text = {};  // a Text, or what a Call calls
  std::vector<Pickled> items =
      {};  // of a Sequence; the arguments of a Call; of a Storage its facts
  int depth = 0;

  static Pickled of(std::int64_t value) { return {Kind::Number, value}; }
  static Pickled of(std::string value) { return {Kind::Text, 0, std::move(value)}; }
  static Pickled of(std::vector<Pickled> values) {
    Pickled made{Kind::Sequence};
    for (Pickled& value : values) made.add(std::move(value));
    return made;
  }
  void add(Pickled item) {
    depth = std::max(depth, item.depth + 1);
    if (depth > kDeepest) throw NotUnderstood();
    items.push_back(std::move(item));
  }
};

class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) throw NotUnderstood();
    at_ += count;
    return {reinterpret_cast<const char*>(bytes_.data()) + at_ - count, count};
  }
  /// Little-endian, signed where all eight bytes are there.
  std::int64_t integer(std::size_t count) {
    std::uint64_t value = 0;
    const std::string_view raw = take(count);
    for (std::size_t i = 0; i < count; ++i)
      value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return static_cast<std::int64_t>(value);
  }
  std::string line() {
    std::string text;
    for (char c = take(1)[0]; c != '\n'; c = take(1)[0]) text += c;
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// The machine that a pickle is a program for (Python's pickletools names the instructions),
/// without those that a state dictionary does not need.
class Unpickler {
 public:
  explicit Unpickler(Bytes& bytes) : bytes_(bytes) {}

  Pickled run() {
    for (;;) {
      const char code = bytes_.take(1)[0];
      if (code == '.') return pop();
      if (!push_value(code) && !push_sequence(code)) change(code);
    }
  }

 private:
  void push(Pickled value) { stack_.push_back(std::move(value)); }
  Pickled pop() {
    if (stack_.empty()) throw NotUnderstood();
    Pickled value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  /// All above the last mark.
  std::vector<Pickled> pop_marked() {
    if (marks_.empty() || marks_.back() > stack_.size()) throw NotUnderstood();
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Pickled> items(std::make_move_iterator(first),
                               std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::string counted_text(std::size_t bytes_of_count) {
    return std::string(bytes_.take(static_cast<std::size_t>(bytes_.integer(bytes_of_count))));
  }

  bool push_value(char code) {
    switch (code) {
      case 'K':  // BININT1
        push(Pickled::of(bytes_.integer(1)));
        return true;
      case 'M':  // BININT2
        push(Pickled::of(bytes_.integer(2)));
        return true;
      case 'J':  // BININT
        push(Pickled::of(std::int64_t{static_cast<std::int32_t>(bytes_.integer(4))}));
        return true;
      case '\x8a': {  // LONG1: the format's magic number is longer than 64 bits, and the only one
        const auto count = static_cast<std::size_t>(bytes_.integer(1));
        if (count <= 8) {
          push(Pickled::of(bytes_.integer(count)));
        } else {
          push(Pickled::of(std::string(bytes_.take(count))));
        }
        return true;
      }
      case 'U':  // SHORT_BINSTRING
        push(Pickled::of(counted_text(1)));
        return true;
      case 'T':  // BINSTRING
      case 'X':  // BINUNICODE
        push(Pickled::of(counted_text(4)));
        return true;
      case 'N':     // NONE
      case '\x88':  // NEWTRUE
      case '\x89':  // NEWFALSE
        push({});
        return true;
      case 'c': {  // GLOBAL: a name, which stays one
        const std::string module = bytes_.line();
        push(Pickled::of(module + '.' + bytes_.line()));
        return true;
      }
      default:
        return false;
    }
  }

  bool push_sequence(char code) {
    std::size_t count = 0;
    switch (code) {
      case '}':  // EMPTY_DICT
      case ']':  // EMPTY_LIST
      case ')':  // EMPTY_TUPLE
        break;
      case '\x85':  // TUPLE1
      case '\x86':
      case '\x87':
        count = static_cast<std::size_t>(static_cast<unsigned char>(code) - 0x84);
        break;
      case 't':  // TUPLE
        push(Pickled::of(pop_marked()));
        return true;
      default:
        return false;
    }
    if (count > stack_.size()) throw NotUnderstood();
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<Pickled> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    push(Pickled::of(std::move(items)));
    return true;
  }

  void change(char code) {
    switch (code) {
      case '\x80':  // PROTO
        bytes_.take(1);
        return;
      case '(':  // MARK
        marks_.push_back(stack_.size());
        return;
      case 'q':  // BINPUT
        remember(bytes_.integer(1));
        return;
      case 'r':  // LONG_BINPUT
        remember(bytes_.integer(4));
        return;
      case 'h':  // BINGET
        push(Pickled::of(memo_[bytes_.integer(1)]));
        return;
      case 'j':  // LONG_BINGET
        push(Pickled::of(memo_[bytes_.integer(4)]));
        return;
      case 'u':    // SETITEMS
      case 'e': {  // APPENDS
        auto items = pop_marked();
        for (Pickled& item : items) top().add(std::move(item));
        return;
      }
      case 's':    // SETITEM
      case 'a': {  // APPEND
        Pickled value = pop();
        if (code == 's') {
          Pickled key = pop();
          top().add(std::move(key));
        }
        top().add(std::move(value));
        return;
      }
      case 'Q': {  // BINPERSID: a storage
        Pickled facts = pop();
        facts.kind = Pickled::Kind::Storage;
        push(std::move(facts));
        return;
      }
      case 'R': {  // REDUCE: a call
        Pickled arguments = pop();
        arguments.kind = Pickled::Kind::Call;
        arguments.text = pop().text;
        push(std::move(arguments));
        return;
      }
      case 'b':  // BUILD: attributes of the dictionary
        pop();
        return;
      default:
        throw NotUnderstood();
    }
  }

  /// Texts are names here; they come back often, so that long ones would fill the memory.
  void remember(std::int64_t place) {
    if (top().text.size() > kLongestName || memo_.size() >= kMostNames) throw NotUnderstood();
    memo_[place] = top().text;
  }

  Pickled& top() {
    if (stack_.empty()) throw NotUnderstood();
    return stack_.back();
  }

  Bytes& bytes_;
  std::vector<Pickled> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::int64_t, std::string> memo_;  // texts: nothing else comes back in such files
};

/// A tensor that is still without values.
struct Rebuilt {
  std::string name;
  std::string storage;
  std::vector<std::int64_t> shape;
};

/// _rebuild_tensor_v2(storage, offset, shape, strides, …) of a whole storage in row-major order.
std::optional<Rebuilt> rebuilt(const std::string& name, const Pickled& call) {
  if (call.kind != Pickled::Kind::Call || call.items.size() < 4 ||
      !call.text.starts_with("torch._utils._rebuild_tensor")) {
    return {};
  }
  const Pickled& storage = call.items[0];
  if (storage.kind != Pickled::Kind::Storage || storage.items.size() < 5 ||
      storage.items[1].text != "torch.FloatStorage" || call.items[1].number != 0) {
    throw NotUnderstood();
  }
  Rebuilt tensor{name, storage.items[2].text, {}};
  for (const Pickled& side : call.items[2].items) tensor.shape.push_back(side.number);
  std::int64_t count = 1;
  const auto& strides = call.items[3].items;
  if (strides.size() != tensor.shape.size()) throw NotUnderstood();
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    const std::int64_t side = tensor.shape[i];
    if (side < 1 || side > static_cast<std::int64_t>(kMostBytes)) throw NotUnderstood();
    if (side > 1 && strides[i].number != count) throw NotUnderstood();
    count *= side;
    if (count > static_cast<std::int64_t>(kMostBytes)) throw NotUnderstood();
  }
  if (count != storage.items[4].number) throw NotUnderstood();
  return tensor;
}

/// Every text that a tensor follows, wherever it is.
void collect(const Pickled& value, std::vector<Rebuilt>& found) {
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0 && value.items[i - 1].kind == Pickled::Kind::Text) {
      if (auto tensor = rebuilt(value.items[i - 1].text, value.items[i])) {
        found.push_back(std::move(*tensor));
        continue;
      }
    }
    collect(value.items[i], found);
  }
}

std::map<std::string, TorchTensor, std::less<>> tensors_of(std::span<const std::byte> file) {
  // The format's own magic number, as the ten bytes of Python's long integer.
  constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
  Bytes bytes(file);
  const auto pickle = [&bytes] { return Unpickler(bytes).run(); };
  if (pickle().text != kMagic || pickle().number != 1001) throw NotUnderstood();
  pickle();  // sizes of types on the machine that wrote it
  std::vector<Rebuilt> wanted;
  collect(pickle(), wanted);
  std::map<std::string, std::vector<float>, std::less<>> storages;
  for (const Pickled& key : pickle().items) {
    const std::int64_t count = bytes.integer(8);
    if (count < 0 || count > static_cast<std::int64_t>(kMostBytes)) throw NotUnderstood();
    const std::string_view raw = bytes.take(static_cast<std::size_t>(count) * sizeof(float));
    std::vector<float> values(static_cast<std::size_t>(count));
    if (!values.empty()) std::memcpy(values.data(), raw.data(), raw.size());
    storages[key.text] = std::move(values);
  }
  std::map<std::string, TorchTensor, std::less<>> tensors;
  for (Rebuilt& tensor : wanted) {
    const auto values = storages.find(tensor.storage);
    std::size_t count = 1;
    for (const std::int64_t side : tensor.shape) count *= static_cast<std::size_t>(side);
    if (values == storages.end() || values->second.size() != count) throw NotUnderstood();
    tensors[tensor.name] = {std::move(tensor.shape), std::move(values->second)};
    storages.erase(values);  // of one tensor each
  }
  return tensors;
}

}  // namespace

std::map<std::string, TorchTensor, std::less<>> read_torch_file(const std::filesystem::path& path) {
  const auto file = read_file(path, kMostBytes);
  try {
    return tensors_of(file);
  } catch (const NotUnderstood&) {
    fail(ErrorCode::Input,
         "[metrics.read_torch_file] cannot read '{}'; expected float32 tensors in the format of "
         "PyTorch before 1.6",
         path.string());
  }
}

}  // namespace chiaro::metrics
