// Large pages for the memory that networks work in.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace chiaro::engine {

/// The runtime takes its work memory in one piece and leaves it untouched until it runs. In pages
/// of 4 KiB the system then has to put it together bit by bit, which is a tenth of the time of a
/// small picture; where it has large pages for those who ask, this asks.
class LargePages {
 public:
  /// Notes what is mapped.
  LargePages();
  /// Asks for the large pieces that were mapped since. Returns their bytes. Where the system has no
  /// such pages, nothing happens.
  std::size_t ask() const;

  /// From the first byte to the one behind the last.
  using Piece = std::pair<std::size_t, std::size_t>;

 private:
  std::vector<Piece> before_;
};

}  // namespace chiaro::engine
