// How an entry of a catalogue is described: degradations, networks, methods.
#pragma once

#include <string>
#include <vector>

#include "chiaro/base/options.h"

namespace chiaro::console {

struct CatalogueEntry {
  std::string kind;  ///< "degradation", "network", "method"
  std::string name;
  std::string summary;
  std::string reference;
  std::vector<FieldInfo> options;
};

/// On stdout: some lines, or with `json` the event "entry" {kind, name, summary, reference,
/// options: [{name, default, range, help}]}.
void print_entry(const CatalogueEntry& entry, bool json);

}  // namespace chiaro::console
