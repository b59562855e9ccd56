// make_test_bundle GRAPH FILE: writes a bundle around a tiny graph of tests/restore/data.
#include <cstdio>

#include "tests/support/graph_bundle.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const chiaro::bundle::Bundle made = chiaro::test::graph_bundle(argv[1]);
    chiaro::bundle::write_bundle(argv[2], made.manifest, made.members);
  } catch (const chiaro::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_status();
  }
}
