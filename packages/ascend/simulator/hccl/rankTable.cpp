#include "rankTable.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "failure.h"

namespace hccl {

namespace {

using Json = nlohmann::json;

constexpr std::streamoff kLargest = 64 << 20;
constexpr size_t kLongestServerId = 64;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Failure(kPara, kRankTable, "The ranktable or rank is invalid,Reason:[" + reason + "]. Please check the configured ranktable. [" + path + "]");
}

std::string text(const std::string& path, const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) fail(path, std::string(key) + " must be a string");
  return found->get<std::string>();
}

int64_t number(const std::string& path, const Json& object, const char* key) {
  const std::string value = text(path, object, key);
  const bool digits = !value.empty() && value.size() < 7 && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) fail(path, std::string(key) + " must be a number in quotes but is \"" + value + "\"");
  return std::stoll(value);
}

const Json& list(const std::string& path, const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->empty()) fail(path, std::string(key) + " must be a list with entries");
  return *found;
}

Json parsed(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Failure(kOpenFile, kRankTable, "The ranktable or rank is invalid,Reason:[it cannot be opened]. Please check the configured ranktable. [" + path + "]");
  if (file.tellg() > kLargest) fail(path, "it is larger than 64 MB");
  file.seekg(0);
  Json out = Json::parse(file, nullptr, false);
  if (!out.is_object()) fail(path, "it is not a JSON object");
  return out;
}

}  // namespace

std::vector<RankEntry> readRankTable(const std::string& path) {
  const Json table = parsed(path);
  if (text(path, table, "status") != "completed") fail(path, "status must be completed");
  const std::string version = text(path, table, "version");
  if (version != "1.0" && version != "1.2") fail(path, "version must be 1.0 or 1.2 but is " + version);
  const Json& servers = list(path, table, "server_list");
  if (number(path, table, "server_count") != static_cast<int64_t>(servers.size())) fail(path, "server_count differs from the length of server_list");
  std::vector<RankEntry> ranks;
  std::set<std::string> known;
  for (const Json& server : servers) {
    if (!server.is_object()) fail(path, "an entry of server_list is not an object");
    const std::string id = text(path, server, "server_id");
    if (id.size() > kLongestServerId || !known.insert(id).second) fail(path, "server_id " + id + " is too long or there twice");
    std::set<int64_t> devices;
    for (const Json& device : list(path, server, "device")) {
      if (!device.is_object()) fail(path, "an entry of device is not an object");
      const int64_t physical = number(path, device, "device_id");
      if (!devices.insert(physical).second) fail(path, "device_id " + std::to_string(physical) + " is there twice in server " + id);
      ranks.push_back({static_cast<uint32_t>(number(path, device, "rank_id")), static_cast<int32_t>(physical), id});
    }
  }
  std::sort(ranks.begin(), ranks.end(), [](const RankEntry& a, const RankEntry& b) { return a.rank < b.rank; });
  for (size_t i = 0; i < ranks.size(); i++) {
    if (ranks[i].rank != i) fail(path, "rank_id must count from 0 to " + std::to_string(ranks.size() - 1) + " without a gap");
  }
  return ranks;
}

}  // namespace hccl
