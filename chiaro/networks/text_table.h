// What the kinds of damage mean, as fixed rows of numbers behind a controller's prototypes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace chiaro::networks {

/// K vertices of a regular simplex in R^K, (K,K) float32: unit vectors with pairwise cosine
/// −1/(K−1), the table that needs no text encoder. Errors: Usage (fewer than two kinds).
at::Tensor simplex_table(std::int64_t kinds);

/// What a text encoder says of each kind, (K,Dt) float32 in the order of `kinds`: the tensor (Dt)
/// of that name in a safetensors file; rows are centred, because sentences about pictures all point
/// much the same way, and made unit vectors. tools/make_text_table.py makes such files. Errors:
/// Input, Bundle (the file is unreadable or damaged, its rows have several lengths, or say the same
/// of two kinds), Usage (it lacks a kind).
at::Tensor read_text_table(const std::filesystem::path& file,
                           const std::vector<std::string>& kinds);

}  // namespace chiaro::networks
