// What requests are answered with: JSON, and refusals.
#pragma once

#include <httplib.h>

#include <string>

#include <nlohmann/json.hpp>

#include "apps/server/jobs.h"

namespace chiaro::server {

using Json = nlohmann::ordered_json;

/// Thrown by a handler: the request is answered with this error.
struct Refused {
  int status;
  std::string code;        ///< a word for programs
  std::string message;     ///< a sentence for people
  int retry_after = 0;     ///< seconds; 0: not said
  std::string allow = {};  ///< the methods that this path has; "": not said
};

void answer(httplib::Response& response, const Json& body, int status = 200);
void answer(httplib::Response& response, const Refused& refused);

/// As docs/serving.md and openapi.json describe a job.
Json json_of(const JobState& state);

/// Why a job that was refused was.
Refused refused_job(Jobs::Refusal refusal, Jobs& jobs);

/// How a job that failed is answered where its picture was asked for.
Refused failed_job(const JobState& state);

}  // namespace chiaro::server
