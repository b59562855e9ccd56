// Restores a picture file and says what was wrong with it: library_cpp INPUT OUTPUT [BUNDLE]
#include <chiaro.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fputs("usage: library_cpp INPUT OUTPUT [BUNDLE]\n", stderr);
    return CHIARO_USAGE;
  }
  try {
    chiaro::api::Restorer restorer(argc == 4 ? argv[3] : "default");
    if (!restorer.facts().types.empty()) {
      const chiaro::api::Inspection seen = restorer.inspect_file(argv[1]);
      for (const auto& finding : seen.findings)
        std::printf("%-12s %.2f\n", finding.type.c_str(), finding.probability);
      std::printf("%s\n", seen.advice.c_str());
    }
    const chiaro::api::Report report = restorer.restore_file(argv[1], argv[2]);
    std::printf("restored with strength %.2f\n", report.strength);
  } catch (const chiaro::api::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.status();
  }
}
