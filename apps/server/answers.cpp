#include "apps/server/answers.h"

#include <fmt/format.h>

#include <utility>

namespace chiaro::server {

void answer(httplib::Response& response, const Json& body, int status) {
  response.status = status;
  response.set_content(body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
                       "application/json");
}

void answer(httplib::Response& response, const Refused& refused) {
  if (refused.retry_after > 0)
    response.set_header("Retry-After", std::to_string(refused.retry_after));
  if (!refused.allow.empty()) response.set_header("Allow", refused.allow);
  answer(response, {{"error", {{"code", refused.code}, {"message", refused.message}}}},
         refused.status);
}

Json json_of(const JobState& state) {
  const std::string url = "/v1/jobs/" + state.id;
  Json body{{"id", state.id},
            {"status", status_name(state.status)},
            {"progress", state.progress},
            {"seconds", state.seconds},
            {"poll_url", url},
            {"events_url", url + "/events"}};
  if (state.status == JobStatus::Queued) body["queue_position"] = state.queue_position;
  if (state.status == JobStatus::Completed) {
    body["result_url"] = url + "/result";
    body["width"] = state.width;
    body["height"] = state.height;
    if (!state.findings.empty()) body["findings"] = Json::parse(state.findings);
  }
  if (state.status == JobStatus::Failed)
    body["error"] = {{"code", state.error_code}, {"message", state.error_message}};
  return body;
}

Refused refused_job(Jobs::Refusal refusal, Jobs& jobs) {
  if (refusal == Jobs::Refusal::Stopping) return {503, "stopping", "the server is stopping", 5};
  return {429, "queue_full", "too many pictures wait", jobs.retry_after_seconds()};
}

Refused failed_job(const JobState& state) {
  const auto status = [&] {
    if (state.error_code == "bad_picture" || state.error_code == "bad_request") return 400;
    if (state.error_code == "out_of_memory") return 413;
    if (state.error_code == "unlike_training") return 422;
    return state.error_code == "timeout" ? 504 : 500;
  };
  return {status(), state.error_code, state.error_message};
}

}  // namespace chiaro::server
