// Files that are part of the program (apps/server/assets).
#pragma once

#include <string_view>

namespace chiaro::server {

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
extern const std::string_view kCompareCss;  ///< before and after: of the page and of reports
extern const std::string_view kCompareJs;
extern const std::string_view kZipJs;
extern const std::string_view
    kReportCss;  ///< of `chiaro report`, beside kCompareCss and kCompareJs
extern const std::string_view kReportRowsCss;  ///< of its table, where that has no room
extern const std::string_view kReportJs;
extern const std::string_view kOpenApiJson;

}  // namespace chiaro::server
