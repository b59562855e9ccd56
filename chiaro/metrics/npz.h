// Arrays of NumPy's .npz files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace chiaro::metrics {

struct NpzArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< row-major
};

/// The float64 arrays of a file that numpy.savez wrote (members stored; stored by columns at most
/// two sides), by their names without ".npy". Errors: Input, naming the file.
std::map<std::string, NpzArray, std::less<>> read_npz(const std::filesystem::path& path);

}  // namespace chiaro::metrics
