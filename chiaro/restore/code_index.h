// The codes of a folder's pictures, kept in a file, and the search among them. The file is
// described in docs/retrieving.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/file_state.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::restore {

/// Which codes: only those of one layout can be compared.
struct CodeLayout {
  std::string encoder;  ///< digest of all that the code of a picture depends on, hexadecimal
  std::vector<bundle::CodePart> parts;

  std::size_t width() const;                   ///< values of a code with all its parts
  std::size_t before(std::size_t part) const;  ///< values in front of this part
};

/// The layout of an encoder's codes: the digest is over encode.onnx and the manifest's `code`, so a
/// bundle with another name or card gives the same codes. Errors: Bundle (as code_info; no graph).
CodeLayout code_layout(const bundle::Manifest& manifest, const std::string& origin);

/// Size and time of the last change. While they stay the same, so does what is known of a file.
struct FileStamp {
  std::int64_t size = -1;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const FileState& state);

/// A picture as it is found in a folder.
struct FolderPicture {
  std::string name;  ///< its path below the folder, in bytes
  FileStamp stamp;
};

/// Codes of pictures of one folder. What cannot be read is remembered beside them.
class CodeIndex {
 public:
  struct Row {
    FolderPicture picture;
    std::string fault;  ///< why it cannot be read; "": it has a code
  };

  /// Empty. `folder`: what the names are below; only told to whoever reads the file.
  CodeIndex(CodeLayout layout, std::string folder);

  const CodeLayout& layout() const { return layout_; }
  const std::string& folder() const { return folder_; }
  const std::vector<Row>& rows() const { return rows_; }
  std::size_t faults() const;  ///< how many of the rows

  /// The row of this name, or the number of rows. The first of two.
  std::size_t find(const std::string& name) const;
  /// A part of the row's code, of length 1; zeros where there is a fault.
  std::span<const float> code(std::size_t row, std::size_t part) const;

  /// Errors: Internal (another width than the layout's).
  void add(FolderPicture picture, std::span<const float> codes);
  void add_fault(FolderPicture picture, std::string fault);

  /// The rows of those pictures that are here with the same stamp, for `folder`.
  CodeIndex only(std::span<const FolderPicture> pictures, std::string folder) const;

  /// The file's bytes, rows by name: the same rows give the same bytes.
  std::vector<std::byte> bytes() const;

  /// Trusts nothing: lengths, order of names, codes of length 1, a digest over everything. Faults
  /// that another version of the program found are left out: it may read more. Errors: Bundle
  /// (codes of another layout), Input (anything else wrong with it); `origin` names the file.
  static CodeIndex parse(std::vector<std::byte> bytes, const CodeLayout& layout,
                         const std::string& origin);

 private:
  CodeLayout layout_;
  std::string folder_;
  std::vector<Row> rows_;
  std::vector<float> codes_;  // rows_.size() x layout_.width()
};

/// The digest in the file's metadata: of the tensors' names, shapes and bytes.
std::string index_digest(const bundle::TensorMap& tensors);

struct Neighbour {
  std::size_t row = 0;
  double cosine = 0;
};

/// Rows with a code that are not `left_out`, by the cosine of a part to `query`, the nearest first,
/// among equals by name; at most `count`. Errors: Internal (a query of another width).
std::vector<Neighbour> nearest(const CodeIndex& index, std::size_t part,
                               std::span<const float> query, std::size_t count,
                               const std::function<bool(const FolderPicture&)>& left_out = {});

}  // namespace chiaro::restore
